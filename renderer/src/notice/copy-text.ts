import { notifications } from '@mantine/notifications';

/** Puts text on the clipboard and says so. */
export async function copyText(text: string, what = 'Copied'): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    notifications.show({
      id: 'copied',
      message: what,
      autoClose: 1500,
      withBorder: true,
      closeButtonProps: { 'aria-label': 'Close message' },
    });
  } catch (reason) {
    notifications.show({
      color: 'bad',
      title: 'The browser refused to copy.',
      message: String(reason),
      withBorder: true,
      closeButtonProps: { 'aria-label': 'Close message' },
    });
  }
}

import { useMediaQuery } from '@mantine/hooks';

/** Whether the window has room for the inspector at the side; else it is a tab of the lower panel. */
export function useWide(): boolean {
  return useMediaQuery('(min-width: 1100px)', true, { getInitialValueInEffect: false });
}

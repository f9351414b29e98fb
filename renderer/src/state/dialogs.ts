import { create } from 'zustand';

export type Dialog =
  | { readonly kind: 'commit' }
  | { readonly kind: 'open-folder' }
  | { readonly kind: 'clone' }
  | { readonly kind: 'new-file'; readonly folder: string }
  | { readonly kind: 'rename'; readonly path: string }
  | { readonly kind: 'delete'; readonly path: string; readonly folder: boolean }
  | { readonly kind: 'conflict'; readonly path: string }
  | { readonly kind: 'draft'; readonly path: string }
  | { readonly kind: 'close-dirty'; readonly path: string }
  | { readonly kind: 'rendered'; readonly id: string }
  | { readonly kind: 'qr'; readonly url: string };

/** The one dialog that is open. */
export const useDialog = create<{ readonly open: Dialog | null }>()(() => ({ open: null }));

export function openDialog(dialog: Dialog): void {
  useDialog.setState({ open: dialog });
}

export function closeDialog(): void {
  useDialog.setState({ open: null });
}

/**
 * The one place of every colour, font and size. Feeds Mantine and the style sheets (as `--a-NAME`), Monaco and the graph.
 * Text tokens hold 4.5 : 1 against every surface, marks 3 : 1 (`tokens.test.ts`).
 */
export interface Palette {
  /** Behind everything, and of the bars. */
  readonly ground: string;
  readonly panel: string;
  /** What floats: menus, dialogs, nodes of the graph. */
  readonly raised: string;
  readonly code: string;
  readonly hover: string;
  readonly selected: string;
  readonly line: string;
  /** Outline of controls: 3 : 1. */
  readonly outline: string;
  readonly text: string;
  readonly dim: string;
  readonly faint: string;
  readonly accent: string;
  readonly accentText: string;
  readonly accentGround: string;
  readonly ok: string;
  readonly warn: string;
  readonly bad: string;
  readonly info: string;
  readonly violet: string;
  readonly badGround: string;
  readonly warnGround: string;
  readonly okGround: string;
  readonly key: string;
  readonly string: string;
  readonly number: string;
  readonly comment: string;
  readonly edge: string;
}

export const light: Palette = {
  ground: '#f6f7f9',
  panel: '#ffffff',
  raised: '#ffffff',
  code: '#fcfcfd',
  hover: '#f0f2f5',
  selected: '#dfe8fd',
  line: '#e2e5ea',
  outline: '#868f9f',
  text: '#1c212d',
  dim: '#4f5868',
  faint: '#5c6575',
  accent: '#3160dc',
  accentText: '#ffffff',
  accentGround: '#e8eefe',
  ok: '#0b7048',
  warn: '#8f5200',
  bad: '#bd2733',
  info: '#2b59cf',
  violet: '#6d42c4',
  badGround: '#fdf0f1',
  warnGround: '#fdf6ea',
  okGround: '#eaf6f0',
  key: '#0b57a4',
  string: '#0a6d42',
  number: '#8d4600',
  comment: '#646d7d',
  edge: '#98a1b0',
};

export const dark: Palette = {
  ground: '#14171d',
  panel: '#191d24',
  raised: '#20252e',
  code: '#161a20',
  hover: '#222831',
  selected: '#26395f',
  line: '#2b313c',
  outline: '#737e90',
  text: '#dfe4ec',
  dim: '#a9b3c2',
  faint: '#9fa9b8',
  accent: '#7da2ff',
  accentText: '#0f1420',
  accentGround: '#22304f',
  ok: '#4cc997',
  warn: '#e3a644',
  bad: '#f68a93',
  info: '#8badff',
  violet: '#bca3f7',
  badGround: '#2f1e24',
  warnGround: '#2c2519',
  okGround: '#18281f',
  key: '#86b7f7',
  string: '#7fd1a6',
  number: '#e3b071',
  comment: '#8b95a5',
  edge: '#5b6678',
};

export const palettes = { light, dark } as const;
export type Scheme = keyof typeof palettes;

export const fonts = {
  text: 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif',
  mono: 'ui-monospace, "SF Mono", "JetBrains Mono", "Cascadia Mono", "DejaVu Sans Mono", Menlo, Consolas, monospace',
  textPx: 13,
  monoPx: 12.5,
} as const;

export const sizes = {
  rowPx: 26,
  toolbarPx: 36,
  statusPx: 26,
  nodeWidthPx: 200,
  nodeHeightPx: 44,
  radiusPx: 6,
} as const;

/** Colour of each object state; its shape is in `state-mark.tsx`. */
export const stateColours = {
  file: 'info',
  cluster: 'violet',
  same: 'ok',
  drifted: 'warn',
  broken: 'bad',
} as const satisfies Record<string, keyof Palette>;

import { createTheme, type CSSVariablesResolver, type MantineColorsTuple } from '@mantine/core';
import { fonts, palettes, sizes, type Palette } from './tokens.ts';

function shades(
  ...colours: [string, string, string, string, string, string, string, string, string, string]
): MantineColorsTuple {
  return colours;
}

const { light, dark } = palettes;

export const mantineTheme = createTheme({
  fontFamily: fonts.text,
  fontFamilyMonospace: fonts.mono,
  fontSizes: { xs: '12px', sm: '13px', md: '13px', lg: '14px', xl: '16px' },
  defaultRadius: sizes.radiusPx,
  primaryColor: 'accent',
  primaryShade: { light: 6, dark: 4 },
  autoContrast: true,
  colors: {
    accent: shades(
      light.accentGround,
      light.selected,
      '#b9cbf8',
      '#9db6f5',
      dark.accent,
      '#5580ea',
      light.accent,
      '#274fb9',
      dark.selected,
      dark.accentGround,
    ),
    bad: shades(
      light.badGround,
      '#fbdfe1',
      '#f5b9be',
      '#f3a0a7',
      dark.bad,
      '#e05661',
      light.bad,
      '#9c1f2a',
      '#4a252c',
      dark.badGround,
    ),
    dark: shades(
      dark.text,
      dark.dim,
      dark.faint,
      dark.outline,
      dark.line,
      dark.hover,
      dark.raised,
      dark.panel,
      dark.code,
      dark.ground,
    ),
    gray: shades(
      light.ground,
      light.hover,
      light.line,
      '#d3d8df',
      '#bcc3cd',
      light.outline,
      light.faint,
      light.dim,
      '#333b49',
      light.text,
    ),
  },
  respectReducedMotion: true,
  components: {
    Button: { defaultProps: { size: 'xs', variant: 'default' } },
    ActionIcon: { defaultProps: { size: 24, variant: 'subtle', color: 'gray' } },
    TextInput: { defaultProps: { size: 'xs' } },
    Textarea: { defaultProps: { size: 'xs' } },
    Checkbox: { defaultProps: { size: 'xs' } },
    Modal: { defaultProps: { transitionProps: { duration: 100 }, centered: true, padding: 'md' } },
    Popover: { defaultProps: { transitionProps: { duration: 80 }, shadow: 'md' } },
    Menu: { defaultProps: { transitionProps: { duration: 80 }, shadow: 'md' } },
  },
});

function variables(palette: Palette): Record<string, string> {
  const own = Object.entries(palette).map(([name, colour]: [string, string]) => [`--a-${name}`, colour]);
  return {
    ...Object.fromEntries(own),
    '--mantine-color-body': palette.panel,
    '--mantine-color-text': palette.text,
    '--mantine-color-dimmed': palette.dim,
    '--mantine-color-placeholder': palette.faint,
    '--mantine-color-default-border': palette.line,
    '--mantine-color-error': palette.bad,
    '--mantine-color-anchor': palette.info,
  };
}

/** Gives every token to the style sheets, beside Mantine's own variables. */
export const tokenVariables: CSSVariablesResolver = () => ({
  variables: {
    '--a-mono': fonts.mono,
    '--a-mono-size': `${fonts.monoPx}px`,
    '--a-row': `${sizes.rowPx}px`,
    '--a-toolbar': `${sizes.toolbarPx}px`,
    '--a-status': `${sizes.statusPx}px`,
  },
  light: variables(light),
  dark: variables(dark),
});

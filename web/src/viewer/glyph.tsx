import { Drawing } from '#parts/icon.tsx'

/** Signs for looking at pictures, drawn as those of `parts/icon.tsx` are. */
const PATHS = {
  scroll: 'M5 8.500h11v11H5zM8 8.500v-3h11v11h-3M11.500 13.500v-2l-1.500 1.500M10.500 14.500v2l1.500-1.500',
  window:
    'M12 3.500v17a8.500 8.500 0 0 0 0-17ZM20.500 12a8.500 8.500 0 1 1-17 0 8.500 8.500 0 0 1 17 0ZM12 8h7.500M12 12h8.500M12 16h7.500',
  zoom: 'M16.500 10.500a6 6 0 1 1-12 0 6 6 0 0 1 12 0ZM15 15l5.500 5.500M10.500 8v5M8 10.500h5',
  move: 'M12 3.500v17M3.500 12h17M9.500 6 12 3.500 14.500 6M9.500 18l2.500 2.500 2.500-2.500M6 9.500 3.500 12 6 14.500M18 9.500l2.500 2.500-2.500 2.500',
  length: 'M3.500 15.500 15.500 3.500l5 5-12 12zM7.500 11.500l2 2M10.500 8.500l2.500 2.500M13.500 5.500l2 2',
  angle: 'M19 19.500H4.500L15 5M11 19.500a6.500 6.500 0 0 0-2.800-5.200',
  ellipse: 'M20.500 12c0 3.500-3.800 6-8.500 6s-8.500-2.500-8.500-6 3.800-6 8.500-6 8.500 2.500 8.500 6Z',
  invert: 'M12 3.500a8.500 8.500 0 0 1 0 17M12 3.500a8.500 8.500 0 0 0 0 17ZM12 7l5.500 5.500M12 12l4 4',
  turn: 'M19.500 12a7.500 7.500 0 1 1-2.300-5.400M19.500 3.500v4h-4',
  flip: 'M12 3.500v17M9 7 3.500 17H9zM15 7l5.500 10H15z',
  reset: 'M4.500 12a7.500 7.500 0 1 0 2.300-5.400M4.500 3.500v4h4',
  play: 'M7.500 5v14l11.500-7z',
  pause: 'M8 5.500v13M16 5.500v13',
  full: 'M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5',
  small: 'M9 4v5H4M15 4v5h5M9 20v-5H4M15 20v-5h5',
  keys: 'M3.500 7h17v10h-17zM7 10.500h0M10.500 10.500h0M14 10.500h0M17 10.500h0M8.500 14h7',
  previous: 'M14.500 6 8.500 12l6 6',
  next: 'M9.500 6l6 6-6 6',
  out: 'M16.500 10.500a6 6 0 1 1-12 0 6 6 0 0 1 12 0ZM15 15l5.500 5.500M8 10.500h5',
  remove: 'M6 6l12 12M18 6 6 18',
} as const

export type GlyphName = keyof typeof PATHS

export const Glyph = ({ name, size = 20 }: { readonly name: GlyphName; readonly size?: number }) => (
  <Drawing path={PATHS[name]} size={size} />
)

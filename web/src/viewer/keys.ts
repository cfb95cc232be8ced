/** What a key does while the picture has the focus. Where two keys are given, they do opposites. */
export const HELP = [
  ['↑ ↓', 'images.keyScroll'],
  ['Page ↑ ↓', 'images.keyPages'],
  ['← →', 'images.keyBrightness'],
  ['< >', 'images.keyContrast'],
  ['+ −', 'images.keyZoom'],
  ['Shift + ← ↑ → ↓', 'images.keyMove'],
  ['M, A, E', 'images.keyMeasure'],
  ['Enter', 'images.keyPoint'],
  ['Esc', 'images.keyStop'],
  ['I', 'images.keyInvert'],
  ['R, H', 'images.keyTurn'],
  ['Space', 'images.keyPlay'],
  ['0', 'images.keyReset'],
  ['F', 'images.keyFull'],
] as const

export type Command =
  | { readonly do: 'step'; readonly by: number }
  | { readonly do: 'first' | 'last' | 'invert' | 'turn' | 'flip' | 'reset' | 'play' | 'full' | 'stop' | 'point' }
  | { readonly do: 'window'; readonly center: number; readonly width: number }
  | { readonly do: 'zoom'; readonly factor: number }
  | { readonly do: 'move'; readonly x: number; readonly y: number }
  | { readonly do: 'tool'; readonly tool: 'length' | 'angle' | 'ellipse' }

type Key = {
  readonly key: string
  readonly shiftKey: boolean
  readonly ctrlKey: boolean
  readonly altKey: boolean
  readonly metaKey: boolean
}

const ARROWS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
}
const NUDGE = 24

const LETTERS: Readonly<Record<string, Command>> = {
  PageUp: { do: 'step', by: -10 },
  PageDown: { do: 'step', by: 10 },
  Home: { do: 'first' },
  End: { do: 'last' },
  '+': { do: 'zoom', factor: 1.25 },
  '=': { do: 'zoom', factor: 1.25 },
  '-': { do: 'zoom', factor: 0.8 },
  '<': { do: 'window', center: 0, width: -1 },
  ',': { do: 'window', center: 0, width: -1 },
  '>': { do: 'window', center: 0, width: 1 },
  '.': { do: 'window', center: 0, width: 1 },
  m: { do: 'tool', tool: 'length' },
  a: { do: 'tool', tool: 'angle' },
  e: { do: 'tool', tool: 'ellipse' },
  i: { do: 'invert' },
  r: { do: 'turn' },
  h: { do: 'flip' },
  f: { do: 'full' },
  '0': { do: 'reset' },
  ' ': { do: 'play' },
  Enter: { do: 'point' },
  Escape: { do: 'stop' },
}

/** @returns the command of a key; null for keys that are the browser's. While measuring, arrows move the mark. */
export function commandOf({ key, shiftKey, ctrlKey, altKey, metaKey }: Key, measuring: boolean): Command | null {
  if (ctrlKey || altKey || metaKey) return null
  const arrow = ARROWS[key]
  if (!arrow) return LETTERS[key.length === 1 ? key.toLowerCase() : key] ?? null
  const [x, y] = arrow
  if (measuring) return { do: 'move', x: x * (shiftKey ? 10 : 1), y: y * (shiftKey ? 10 : 1) }
  if (shiftKey) return { do: 'move', x: x * NUDGE, y: y * NUDGE }
  return y ? { do: 'step', by: y } : { do: 'window', center: -x, width: 0 }
}

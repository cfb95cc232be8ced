import type { Window } from './slices.ts'
import type { Shown } from './stack.ts'

/** Windows in Hounsfield units that radiologists use by name. */
const CT = {
  soft: { center: 50, width: 400 },
  lung: { center: -600, width: 1500 },
  bone: { center: 400, width: 1800 },
  brain: { center: 40, width: 80 },
  vessels: { center: 300, width: 700 },
} as const satisfies Readonly<Record<string, Window>>

export type PresetName = 'file' | 'full' | keyof typeof CT
export type Preset = { readonly name: PresetName; readonly window: Window | null }

/** What may be chosen for a picture. Null is the file's own window. */
export function presetsFor({ facts, color, values: [low, high] }: Shown): Preset[] {
  const full = { center: (low + high) / 2, width: Math.max(1, high - low) }
  const named = facts.modality === 'CT' && !color ? Object.entries(CT).map(([name, window]) => ({ name: name as PresetName, window })) : []
  return [{ name: 'file', window: null }, { name: 'full', window: full }, ...named]
}

/** A window narrower than this shows black and white alone. */
const NARROWEST = 1

export const windowBy = ({ center, width }: Window, by: { readonly center: number; readonly width: number }): Window => ({
  center: center + by.center,
  width: Math.max(NARROWEST, width + by.width),
})

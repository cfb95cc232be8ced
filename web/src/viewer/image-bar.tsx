import { NativeSelect } from '@mantine/core'
import type { ReactNode } from 'react'
import { useWords } from '#words/context.tsx'
import { Glyph, type GlyphName } from './glyph.tsx'
import { type Preset, presetsFor } from './presets.ts'
import type { Window } from './slices.ts'
import type { Shown } from './stack.ts'

export const TOOLS = ['scroll', 'window', 'move', 'zoom', 'length', 'angle', 'ellipse'] as const
export type Tool = (typeof TOOLS)[number]

type ButtonProps = {
  readonly glyph: GlyphName
  readonly label: string
  readonly pressed?: boolean
  readonly disabled?: boolean
  readonly onClick: () => void
}

export const BarButton = ({ glyph, label, pressed, disabled, onClick }: ButtonProps) => (
  <button
    type="button"
    className="kw-bar-button"
    title={label}
    aria-label={label}
    aria-pressed={pressed}
    disabled={disabled}
    onClick={onClick}
  >
    <Glyph name={glyph} />
  </button>
)

type BarProps = {
  readonly tool: Tool
  readonly many: boolean
  readonly shown: Shown | null
  readonly window: Window | null
  readonly inverted: boolean
  readonly full: boolean
  readonly onTool: (tool: Tool) => void
  readonly onWindow: (window: Window | null) => void
  readonly onInvert: () => void
  readonly onTurn: () => void
  readonly onFlip: () => void
  readonly onReset: () => void
  readonly onFull: () => void
  readonly children?: ReactNode
}

/** What a drag does, and what a press changes. */
export function ImageBar(props: BarProps) {
  const { t } = useWords()
  const { tool, many, shown, full } = props
  const off = !shown
  return (
    <div className="kw-bar" role="toolbar" aria-label={t('images.tools')}>
      <div className="kw-bar-group">
        {TOOLS.filter(name => many || name !== 'scroll').map(name => (
          <BarButton
            key={name}
            glyph={name}
            label={t(`images.${name}`)}
            pressed={tool === name}
            disabled={off}
            onClick={() => props.onTool(name)}
          />
        ))}
      </div>
      <div className="kw-bar-group">
        <BarButton glyph="invert" label={t('images.invert')} pressed={props.inverted} disabled={off} onClick={props.onInvert} />
        <BarButton glyph="turn" label={t('images.turn')} disabled={off} onClick={props.onTurn} />
        <BarButton glyph="flip" label={t('images.flip')} disabled={off} onClick={props.onFlip} />
        <BarButton glyph="reset" label={t('images.reset')} disabled={off} onClick={props.onReset} />
        {document.fullscreenEnabled && (
          <BarButton glyph={full ? 'small' : 'full'} label={t('images.full')} pressed={full} onClick={props.onFull} />
        )}
      </div>
      {shown && <Presets shown={shown} window={props.window} onWindow={props.onWindow} />}
    </div>
  )
}

type PresetsProps = { readonly shown: Shown; readonly window: Window | null; readonly onWindow: (window: Window | null) => void }

const same = (a: Window | null, b: Window | null): boolean =>
  !!a && !!b && Math.abs(a.center - b.center) < 0.6 && Math.abs(a.width - b.width) < 0.6

function Presets({ shown, window, onWindow }: PresetsProps) {
  const { t } = useWords()
  const presets = presetsFor(shown)
  const current = presets.find((p: Preset) => same(p.window ?? shown.window, window))?.name ?? 'own'
  return (
    <NativeSelect
      className="kw-bar-presets"
      size="sm"
      aria-label={t('images.preset')}
      value={current}
      onChange={e => {
        const chosen = presets.find(p => p.name === e.currentTarget.value)
        if (chosen) onWindow(chosen.window)
      }}
      data={[
        ...presets.map(p => ({ value: p.name, label: t(`images.preset.${p.name}`) })),
        ...(current === 'own' ? [{ value: 'own', label: t('images.preset.own') }] : []),
      ]}
    />
  )
}

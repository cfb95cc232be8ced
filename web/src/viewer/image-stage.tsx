import { type KeyboardEvent, type RefObject, useRef } from 'react'
import { Waiting } from '#parts/state.tsx'
import { useWords } from '#words/context.tsx'
import type { Tool } from './image-bar.tsx'
import { DrawnMeasures } from './image-measures.tsx'
import { type Command, commandOf } from './keys.ts'
import { windowBy } from './presets.ts'
import type { Point } from './slices.ts'
import { useGestures } from './use-gestures.ts'
import type { Measures } from './use-measures.ts'
import type { Viewing } from './use-stack.ts'

type StageProps = {
  readonly canvas: RefObject<HTMLDivElement | null>
  readonly viewing: Viewing
  readonly measures: Measures
  readonly tool: Tool
  readonly label: string
  readonly help: string
  readonly onCommand: (command: Command) => void
}

export const MEASURING: ReadonlySet<Tool> = new Set<Tool>(['length', 'angle', 'ellipse'])

/** The picture, what is drawn over it, and what hands and keys do there. */
export function ImageStage({ canvas, viewing, measures, tool, label, help, onCommand }: StageProps) {
  const box = useRef<HTMLDivElement>(null)
  const { picture, stack, look } = viewing
  const { shown } = picture
  const measuring = MEASURING.has(tool)
  const doing = (button: 0 | 1 | 2): Tool => (button === 0 ? tool : button === 1 ? 'move' : 'window')
  const steps = useRef(0)
  useGestures(box, {
    press(at, button) {
      steps.current = 0
      if (shown && measuring && button === 0) measures.set(inside(at))
    },
    drag(from, to, button) {
      const open = stack.current
      if (!open || !shown) return
      const [x, y] = [to[0] - from[0], to[1] - from[1]]
      const does = doing(button)
      if (does === 'window') open.window(windowBy(open.look().window, byHand(x, y)))
      else if (does === 'move') open.move(from, to)
      else if (does === 'zoom') open.zoom(Math.exp(-y / 150))
      else if (does === 'scroll') scrollBy(y)
      else measures.mark(inside(to))
    },
    release(at, moved, button) {
      // Pressed, drawn and let go makes a line as two presses do.
      if (shown && measuring && button === 0 && moved) measures.set(inside(at))
    },
    hover(at) {
      if (shown && measures.draft?.points.length) measures.mark(inside(at))
    },
    pinch(factor, from, to) {
      stack.current?.move(from, to)
      stack.current?.zoom(factor, to)
    },
    wheel(turned, at, zoom) {
      if (!shown || !(zoom || viewing.count > 1)) return false
      if (zoom) stack.current?.zoom(0.9 ** turned, at)
      else if (turned) viewing.go(viewing.index + turned)
      return true
    },
  })
  const inside = (at: Point): Point => stack.current!.toImage(at)
  const byHand = (x: number, y: number) => {
    const reach = Math.max(1, (shown?.window.width ?? 256) / 300)
    return { center: -y * reach, width: x * reach }
  }
  const scrollBy = (y: number): void => {
    const tall = box.current?.clientHeight ?? 400
    steps.current += (y * Math.max(20, viewing.count)) / tall
    const by = Math.trunc(steps.current)
    steps.current -= by
    if (by) viewing.go(viewing.index + by)
  }
  const press = (e: KeyboardEvent): void => {
    const command = commandOf(e, measuring && !!measures.draft)
    if (!command) return
    e.preventDefault()
    onCommand(command)
  }
  return (
    <div
      ref={box}
      className="kw-stage"
      role="application"
      aria-label={label}
      aria-describedby={help}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: pictures are looked at with keys of their own, which the help names
      tabIndex={0}
      data-tool={tool}
      data-state={picture.state}
      onKeyDown={press}
    >
      <div className="kw-stage-canvas" ref={canvas} />
      {stack.current && shown && <DrawnMeasures stack={stack.current} measures={measures.done} draft={measures.draft} />}
      {shown && look && <Facts viewing={viewing} />}
      {picture.state === 'loading' && (
        <div className="kw-stage-waiting">
          <Waiting />
        </div>
      )}
    </div>
  )
}

/** What someone reading the picture needs, and nothing that says whose it is. */
function Facts({ viewing }: { readonly viewing: Viewing }) {
  const words = useWords()
  const { t, number } = words
  const { shown } = viewing.picture
  const { look, index, count } = viewing
  if (!shown || !look) return null
  const { facts, color } = shown
  const { spacing } = facts
  return (
    <div className="kw-stage-facts" aria-hidden="true">
      <p>
        {[facts.modality, facts.seriesDescription].filter(Boolean).join(' · ')}
        <br />
        {t('images.position', { index: index + 1, count })}
      </p>
      <p data-testid="look">
        {!color && t('images.look', { center: number(Math.round(look.window.center)), width: number(Math.round(look.window.width)) })}
        <br />
        {t('images.zoomed', { percent: number(Math.round(look.zoom * 100)) })}
        {' · '}
        {spacing ? t('images.scale', { rows: number(spacing.rows), columns: number(spacing.columns) }) : t('images.noScale')}
      </p>
    </div>
  )
}

import { useCallback, useId, useRef, useState } from 'react'
import { Failed } from '#parts/state.tsx'
import { useWords } from '#words/context.tsx'
import { BarButton, ImageBar, type Tool } from './image-bar.tsx'
import { MeasureList } from './image-measures.tsx'
import { ImageStage, MEASURING } from './image-stage.tsx'
import { HELP } from './keys.ts'
import { Refusal } from './refusal.tsx'
import type { LoadFile, Point, Slice, Window } from './slices.ts'
import { useCine, useFull } from './use-cine.ts'
import { useCommands } from './use-commands.ts'
import { useMeasures } from './use-measures.ts'
import { useStack } from './use-stack.ts'
import './viewer.css'

export type ImageViewerProps = {
  /** What is looked at, for those who cannot see it. */
  readonly title: string
  readonly slices: readonly Slice[]
  /** Gives a file's bytes; they are held in memory while the viewer is open, and nowhere else. */
  readonly load: LoadFile
  readonly onSave?: (file: string) => void
}

/** Pictures of one series, or the frames of one file: scrolled, windowed, zoomed, measured. */
export function ImageViewer({ title, slices, load, onSave }: ImageViewerProps) {
  const { t } = useWords()
  const canvas = useRef<HTMLDivElement>(null)
  const frame = useRef<HTMLElement>(null)
  const viewing = useStack(canvas, slices, load)
  const { index, count, picture, look, stack, go } = viewing
  const { shown } = picture
  const [tool, setTool] = useState<Tool>(count > 1 ? 'scroll' : 'window')
  const measures = useMeasures(index)
  const playing = useCine(viewing.go, { index, count, milliseconds: shown?.facts.frameTime ?? 100 })
  const full = useFull(frame)
  const help = useId()
  const choose = useCallback(
    (next: Tool, mark: Point | null = null) => {
      setTool(next)
      if (MEASURING.has(next)) measures.begin(next as 'length', mark)
      else measures.stop()
    },
    [measures.begin, measures.stop],
  )
  const centre = (): Point => [Math.round((shown?.facts.columns ?? 0) / 2), Math.round((shown?.facts.rows ?? 0) / 2)]
  const setWindow = (window: Window | null): void => stack.current?.window(window)
  const commands = useCommands({ viewing, measures, centre, choose, full: full.toggle, play: playing.toggle })
  const place = t('images.position', { index: index + 1, count })
  const refused = picture.state === 'refused' || picture.state === 'failed'
  return (
    <section ref={frame} className="kw-viewer" aria-label={title}>
      <ImageBar
        tool={tool}
        many={count > 1}
        shown={shown}
        window={look?.window ?? null}
        inverted={look?.invert ?? false}
        full={full.on}
        onTool={choose}
        onWindow={setWindow}
        onInvert={() => stack.current?.invert()}
        onTurn={() => stack.current?.turn()}
        onFlip={() => stack.current?.flip()}
        onReset={() => stack.current?.reset()}
        onFull={full.toggle}
      />
      <div className="kw-viewer-body">
        <ImageStage
          canvas={canvas}
          viewing={viewing}
          measures={measures}
          tool={tool}
          label={`${title}. ${place}`}
          help={help}
          onCommand={commands}
        />
        {refused && (
          <div className="kw-stage-refusal">
            {picture.state === 'refused' ? (
              <Refusal why={picture.why} {...(onSave ? { onSave: () => onSave(slices[index]!.file) } : {})} />
            ) : (
              <Failed error={picture.error} onRetry={viewing.retry} />
            )}
          </div>
        )}
      </div>
      {count > 1 && (
        <div className="kw-scrub">
          <BarButton
            glyph={playing.on ? 'pause' : 'play'}
            label={t(playing.on ? 'images.pause' : 'images.play')}
            onClick={playing.toggle}
          />
          <BarButton glyph="previous" label={t('images.previous')} disabled={index === 0} onClick={() => go(index - 1)} />
          <input
            type="range"
            min={1}
            max={count}
            value={index + 1}
            aria-label={t('images.scrub')}
            aria-valuetext={place}
            onChange={e => go(Number(e.currentTarget.value) - 1)}
          />
          <BarButton glyph="next" label={t('images.next')} disabled={index === count - 1} onClick={() => go(index + 1)} />
          <span className="kw-number kw-dim">{place}</span>
        </div>
      )}
      <p className="kw-hidden" role="status">
        {shown && !playing.on ? place : ''}
      </p>
      <MeasureList
        measures={measures.done}
        grid={{ spacing: shown?.facts.spacing, columns: shown?.facts.columns ?? 0, values: stack.current?.values() ?? null }}
        onRemove={measures.remove}
      />
      <KeysHelp />
      <p className="kw-dim kw-small">{t('images.notDiagnosis')}</p>
      <p className="kw-hidden" id={help}>
        {t('images.help')}
      </p>
    </section>
  )
}

function KeysHelp() {
  const { t } = useWords()
  return (
    <details className="kw-keys">
      <summary>{t('images.keys')}</summary>
      <dl className="kw-facts">
        {HELP.map(([keys, text]) => (
          <div className="kw-contents" key={text}>
            <dt>
              <kbd>{keys}</kbd>
            </dt>
            <dd>{t(text)}</dd>
          </div>
        ))}
      </dl>
      <p className="kw-dim kw-small">{t('images.touch')}</p>
    </details>
  )
}

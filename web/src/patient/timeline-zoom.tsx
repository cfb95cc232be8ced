import { useMemo } from 'react'
import { Strip } from '#parts/strip.tsx'
import type { Life, Zoom } from '#rpc/timeline.ts'
import { useWords } from '#words/context.tsx'
import type { Words } from '#words/words.ts'

const ZOOMS = ['decade', 'year', 'month', 'day'] as const
const LENGTH: Readonly<Record<Zoom, number>> = { decade: 3, year: 4, month: 7, day: 10 }

/** A stretch of time as people say it. */
export const stretchName = (words: Words, stretch: string): string =>
  stretch === '' ? words.t('life.all') : stretch.length === 3 ? words.t('life.decadeName', { year: `${stretch}0` }) : words.date(stretch)

const finer = (zoom: Zoom): Zoom => ZOOMS[Math.min(ZOOMS.length - 1, ZOOMS.indexOf(zoom) + 1)]!
const unitOf = (stretch: string): Zoom => ZOOMS.find(z => LENGTH[z] >= stretch.length) ?? 'day'

export type View = { readonly zoom: Zoom; readonly stretch: string }

/** Into a stretch of time, at least one step closer than the stretch itself. */
export function closer({ zoom }: View, stretch: string): View {
  const least = finer(unitOf(stretch))
  return { stretch, zoom: ZOOMS.indexOf(zoom) > ZOOMS.indexOf(least) ? zoom : least }
}

/** The stretch around this one, a step further away; from all time, only the step. */
export function further({ zoom, stretch }: View): View {
  const out = ZOOMS[Math.max(0, ZOOMS.indexOf(zoom) - 1)]!
  if (!stretch) return { stretch, zoom: out }
  const around = ZOOMS[ZOOMS.indexOf(unitOf(stretch)) - 1]
  return { stretch: around ? stretch.slice(0, LENGTH[around]) : '', zoom: out }
}

type ZoomProps = View & { readonly life: Life; readonly onView: (view: View) => void }

/** How closely to look, at which stretch, and how much lies where. */
export function ZoomPanel({ life, zoom, stretch, onView }: ZoomProps) {
  const words = useWords()
  const { t, n } = words
  const { bars } = life.bars
  const month = useMemo(() => new Intl.DateTimeFormat(words.locale, { month: 'short', timeZone: 'UTC' }), [words.locale])
  // Under a thin bar there is room for little.
  const short = (key: string): string =>
    key.length === 10 ? String(Number(key.slice(8))) : key.length === 7 && stretch ? month.format(Date.parse(key)) : stretchName(words, key)
  const around = ZOOMS.map(z => LENGTH[z]).filter(l => l < stretch.length)
  const steps = [...(stretch ? [''] : []), ...around.map(l => stretch.slice(0, l))]
  return (
    <section className="kw-panel kw-zoom" aria-label={t('life.zoom')}>
      <div className="kw-zoom-head">
        <ol className="kw-trail" aria-label={t('life.trail')}>
          {steps.map(s => (
            <li key={s}>
              <button type="button" onClick={() => onView({ zoom, stretch: s })}>
                {stretchName(words, s)}
              </button>
            </li>
          ))}
          <li>
            <span aria-current="true">{stretchName(words, stretch)}</span>
          </li>
        </ol>
        <fieldset className="kw-segments" aria-label={t('life.zoom')}>
          {ZOOMS.map(z => (
            <button
              key={z}
              type="button"
              aria-pressed={z === zoom}
              disabled={LENGTH[z] < stretch.length}
              onClick={() => onView({ zoom: z, stretch })}
            >
              {t(`life.${z}`)}
            </button>
          ))}
        </fieldset>
      </div>
      {bars.length > 0 && (
        <Strip
          label={t('life.strip')}
          bars={bars.map(b => ({
            ...b,
            label: stretchName(words, b.key),
            short: short(b.key),
          }))}
          say={b => n('life.bar', b.count, { when: b.label })}
          onOpen={b => onView(closer({ zoom, stretch }, b.key))}
          onOut={() => onView(further({ zoom, stretch }))}
        />
      )}
    </section>
  )
}

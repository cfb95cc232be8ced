import type { Spacing } from '@keepwell/sdk/health/dicom/geometry'
import { ActionIcon } from '@mantine/core'
import { useWords } from '#words/context.tsx'
import type { Words } from '#words/words.ts'
import { Glyph } from './glyph.tsx'
import { type Measure, type Measured, measured } from './measure.ts'
import type { Point } from './slices.ts'
import type { Stack } from './stack.ts'
import type { Draft } from './use-measures.ts'

const tenth = (n: number): number => Math.round(n * 10) / 10

/** A measurement in words: in millimetres only where the file states a scale. */
export function measuredText(words: Words, found: Measured, spacing: Spacing | undefined): string {
  const { t, number } = words
  if (found.kind === 'angle') return t('images.degrees', { value: number(tenth(found.degrees)) })
  if (found.kind === 'length')
    return t(spacing ? (spacing.at === 'patient' ? 'images.mm' : 'images.mmDetector') : 'images.pixels', {
      value: number(tenth(found.length)),
    })
  const area = t(spacing ? 'images.mm2' : 'images.pixels2', { value: number(tenth(found.area)) })
  return found.mean === null
    ? area
    : `${area}, ${t('images.mean', { value: number(tenth(found.mean)), deviation: number(tenth(found.deviation ?? 0)) })}`
}

type DrawnProps = { readonly stack: Stack; readonly measures: readonly Measure[]; readonly draft: Draft | null }

/** Lines over the picture. They are named by number; what they say stands in the list below, where it can be read out. */
export function DrawnMeasures({ stack, measures, draft }: DrawnProps) {
  const open = draft ? [...draft.points, ...(draft.mark ? [draft.mark] : [])] : []
  const mark = draft?.mark && stack.toScreen(draft.mark)
  return (
    <svg className="kw-measures" aria-hidden="true">
      {measures.map((m, i) => (
        <Shape key={m.id} kind={m.kind} points={m.points.map(stack.toScreen)} name={String(i + 1)} />
      ))}
      {draft && draft.points.length > 0 && <Shape kind={draft.kind} points={open.map(stack.toScreen)} />}
      {mark && <path className="kw-measure-mark" d={`M${mark[0] - 12} ${mark[1]}h24M${mark[0]} ${mark[1] - 12}v24`} />}
    </svg>
  )
}

function Shape({ kind, points, name }: { readonly kind: Measure['kind']; readonly points: readonly Point[]; readonly name?: string }) {
  const [a, b] = points
  const last = points.at(-1)
  if (!a || !last) return null
  return (
    <g>
      {kind === 'ellipse' && b ? (
        <ellipse cx={(a[0] + b[0]) / 2} cy={(a[1] + b[1]) / 2} rx={Math.abs(b[0] - a[0]) / 2} ry={Math.abs(b[1] - a[1]) / 2} />
      ) : (
        <polyline points={points.map(p => p.join(',')).join(' ')} />
      )}
      {name && (
        <text x={last[0] + 8} y={last[1] - 8}>
          {name}
        </text>
      )}
    </g>
  )
}

type ListProps = {
  readonly measures: readonly Measure[]
  readonly grid: Parameters<typeof measured>[1]
  readonly onRemove: (id: number) => void
}

export function MeasureList({ measures, grid, onRemove }: ListProps) {
  const words = useWords()
  const { t } = words
  return (
    <ol className="kw-measure-list" aria-label={t('images.measurements')} aria-live="polite">
      {measures.map((m, i) => {
        const found = measured(m, grid)
        return (
          <li key={m.id}>
            <span>
              <strong>{`${i + 1}. ${t(`images.${m.kind}`)}: `}</strong>
              {found && measuredText(words, found, grid.spacing)}
            </span>
            <ActionIcon
              variant="subtle"
              color="gray"
              size="lg"
              aria-label={t('images.remove', { number: i + 1 })}
              onClick={() => onRemove(m.id)}
            >
              <Glyph name="remove" size={17} />
            </ActionIcon>
          </li>
        )
      })}
    </ol>
  )
}

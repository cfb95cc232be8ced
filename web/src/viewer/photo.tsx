import { pictureSize } from '@keepwell/sdk/health/picture-size'
import { useEffect, useMemo, useState } from 'react'
import { useWords } from '#words/context.tsx'
import { BarButton } from './image-bar.tsx'
import { Refusal } from './refusal.tsx'
import './viewer.css'

/** Of a photograph: more would take more memory than phones have. */
const MOST_PIXELS = 100_000_000
const STEPS = [1, 1.5, 2, 3, 4, 6, 8]

type PhotoProps = { readonly title: string; readonly bytes: Uint8Array; readonly mediaType: string; readonly onSave?: () => void }

/** A photograph or a scanned page: enlarged, turned. Its size is read before the browser unfolds it. */
export function Photo({ title, bytes, mediaType, onSave }: PhotoProps) {
  const { t } = useWords()
  const size = useMemo(() => pictureSize(bytes), [bytes])
  const [url, setUrl] = useState<string | null>(null)
  const [broken, setBroken] = useState(false)
  const [step, setStep] = useState(0)
  const [turn, setTurn] = useState(0)
  const large = size !== null && size.width * size.height > MOST_PIXELS
  useEffect(() => {
    if (large) return
    const made = URL.createObjectURL(new Blob([bytes as BlobPart], { type: mediaType }))
    setUrl(made)
    return () => URL.revokeObjectURL(made)
  }, [bytes, mediaType, large])
  const save = onSave ? { onSave } : {}
  if (large) return <Refusal why="large" {...save} />
  if (broken) return <Refusal why="unreadable" {...save} />
  const zoom = STEPS[step]!
  const sideways = turn % 180 !== 0
  return (
    <section className="kw-viewer" aria-label={title}>
      <div className="kw-bar" role="toolbar" aria-label={t('images.tools')}>
        <div className="kw-bar-group">
          <BarButton glyph="out" label={t('images.smaller')} disabled={step === 0} onClick={() => setStep(s => s - 1)} />
          <BarButton glyph="zoom" label={t('images.larger')} disabled={step === STEPS.length - 1} onClick={() => setStep(s => s + 1)} />
          <BarButton glyph="turn" label={t('images.turn')} onClick={() => setTurn(d => (d + 90) % 360)} />
        </div>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard */}
      <section className="kw-photo" tabIndex={0} aria-label={t('images.photo')} data-sideways={sideways}>
        {url && (
          <img
            src={url}
            alt={t('record.imageAlt', { title })}
            onError={() => setBroken(true)}
            style={{ width: `${100 * zoom}%`, transform: `rotate(${turn}deg)` }}
          />
        )}
      </section>
    </section>
  )
}

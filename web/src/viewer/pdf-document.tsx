import { Button, PasswordInput, TextInput } from '@mantine/core'
import { useCallback, useEffect, useRef, useState } from 'react'
import { Banner } from '#parts/page.tsx'
import { Waiting } from '#parts/state.tsx'
import { useWords } from '#words/context.tsx'
import { BarButton } from './image-bar.tsx'
import { openPdf, type Pdf, type PdfLink, PdfLocked } from './pdf.ts'
import { Refusal } from './refusal.tsx'
import './viewer.css'

type PdfProps = { readonly title: string; readonly bytes: Uint8Array; readonly onSave?: () => void }

type State =
  | { readonly kind: 'opening' }
  | { readonly kind: 'locked'; readonly again: boolean; readonly answer: (password: string | null) => void }
  | { readonly kind: 'open'; readonly pdf: Pdf }
  | { readonly kind: 'refused'; readonly why: 'pdf' | 'locked' }

/** A PDF, a page at a time, however many there are. Its password is asked for here and goes nowhere. */
export function PdfDocument({ title, bytes, onSave }: PdfProps) {
  const [state, setState] = useState<State>({ kind: 'opening' })
  const [turn, setTurn] = useState(0)
  // biome-ignore lint/correctness/useExhaustiveDependencies: opened again when asked to
  useEffect(() => {
    let gone = false
    let open: Pdf | null = null
    setState({ kind: 'opening' })
    openPdf({
      bytes,
      password: again => new Promise(answer => (gone ? answer(null) : setState({ kind: 'locked', again, answer }))),
    }).then(
      pdf => {
        open = pdf
        if (gone) pdf.close()
        else setState({ kind: 'open', pdf })
      },
      error => gone || setState({ kind: 'refused', why: error instanceof PdfLocked ? 'locked' : 'pdf' }),
    )
    return () => {
      gone = true
      open?.close()
    }
  }, [bytes, turn])
  if (state.kind === 'opening') return <Waiting />
  if (state.kind === 'refused')
    return (
      <div className="kw-stack">
        <Refusal why={state.why} {...(onSave ? { onSave } : {})} />
        {state.why === 'locked' && <Again onAgain={() => setTurn(n => n + 1)} />}
      </div>
    )
  if (state.kind === 'locked') return <Locked again={state.again} onAnswer={state.answer} />
  return <Pages title={title} pdf={state.pdf} />
}

const Again = ({ onAgain }: { readonly onAgain: () => void }) => {
  const { t } = useWords()
  return (
    <Button variant="default" onClick={onAgain}>
      {t('app.retry')}
    </Button>
  )
}

function Locked({ again, onAnswer }: { readonly again: boolean; readonly onAnswer: (password: string | null) => void }) {
  const { t } = useWords()
  const [password, setPassword] = useState('')
  return (
    <form
      className="kw-stack kw-pdf-lock"
      onSubmit={e => {
        e.preventDefault()
        onAnswer(password)
      }}
    >
      <Banner icon="lock" title={t('images.pdfLocked')}>
        {t('images.pdfLockedNote')}
      </Banner>
      <PasswordInput
        label={t('images.pdfPassword')}
        autoComplete="off"
        value={password}
        error={again && t('images.pdfWrong')}
        onChange={e => setPassword(e.currentTarget.value)}
      />
      <div className="kw-row">
        <Button type="submit">{t('images.pdfOpen')}</Button>
        <Button variant="default" onClick={() => onAnswer(null)}>
          {t('app.cancel')}
        </Button>
      </div>
    </form>
  )
}

const STEPS = [1, 1.25, 1.5, 2, 3, 4]

function Pages({ title, pdf }: { readonly title: string; readonly pdf: Pdf }) {
  const words = useWords()
  const { t } = words
  const [page, setPage] = useState(1)
  const [step, setStep] = useState(0)
  const [turned, setTurned] = useState(0)
  const go = useCallback((to: number) => setPage(Math.min(pdf.pages, Math.max(1, Math.round(to) || 1))), [pdf])
  const search = usePdfSearch(pdf, go)
  const place = t('images.pdfPage', { page, count: pdf.pages })
  return (
    <section className="kw-viewer" aria-label={title}>
      <div className="kw-bar" role="toolbar" aria-label={t('images.pdfTools')}>
        <div className="kw-bar-group">
          <BarButton glyph="previous" label={t('images.pdfPrevious')} disabled={page === 1} onClick={() => go(page - 1)} />
          <PageNumber page={page} count={pdf.pages} onGo={go} />
          <BarButton glyph="next" label={t('images.pdfNext')} disabled={page === pdf.pages} onClick={() => go(page + 1)} />
        </div>
        <div className="kw-bar-group">
          <BarButton glyph="out" label={t('images.smaller')} disabled={step === 0} onClick={() => setStep(s => s - 1)} />
          <BarButton glyph="zoom" label={t('images.larger')} disabled={step === STEPS.length - 1} onClick={() => setStep(s => s + 1)} />
          <BarButton glyph="turn" label={t('images.turn')} onClick={() => setTurned(d => (d + 90) % 360)} />
        </div>
        <form
          className="kw-row"
          onSubmit={e => {
            e.preventDefault()
            search.next(page)
          }}
        >
          <TextInput
            size="sm"
            type="search"
            aria-label={t('images.pdfFind')}
            placeholder={t('images.pdfFind')}
            value={search.text}
            onChange={e => search.setText(e.currentTarget.value)}
          />
        </form>
      </div>
      <p className={search.told ? 'kw-small kw-dim' : 'kw-hidden'} role="status">
        {search.told || place}
      </p>
      <PageSheet
        key={page}
        pdf={pdf}
        page={page}
        zoom={STEPS[step]!}
        turned={turned}
        label={`${title}. ${place}`}
        onStep={by => go(page + by)}
      />
    </section>
  )
}

function PageNumber({ page, count, onGo }: { readonly page: number; readonly count: number; readonly onGo: (page: number) => void }) {
  const { t, number } = useWords()
  const [typed, setTyped] = useState<string | null>(null)
  const done = (): void => {
    if (typed) onGo(Number(typed))
    setTyped(null)
  }
  return (
    <span className="kw-page-number kw-number">
      <input
        inputMode="numeric"
        aria-label={t('images.pdfGo')}
        value={typed ?? page}
        onChange={e => setTyped(e.currentTarget.value.replace(/\D/g, ''))}
        onBlur={done}
        onKeyDown={e => e.key === 'Enter' && done()}
      />
      {` / ${number(count)}`}
    </span>
  )
}

type SheetProps = {
  readonly pdf: Pdf
  readonly page: number
  readonly zoom: number
  readonly turned: number
  readonly label: string
  readonly onStep: (by: 1 | -1) => void
}

/** One page, drawn as wide as there is room, with its words over it to be selected, searched and read out. */
function PageSheet({ pdf, page, zoom, turned, label, onStep }: SheetProps) {
  const { t } = useWords()
  const box = useRef<HTMLElement>(null)
  const canvas = useRef<HTMLCanvasElement>(null)
  const words = useRef<HTMLDivElement>(null)
  const [links, setLinks] = useState<readonly PdfLink[]>([])
  const [state, setState] = useState<'drawing' | 'drawn' | 'failed'>('drawing')
  useEffect(() => {
    let gone = false
    const into = { canvas: canvas.current!, words: words.current!, width: Math.max(240, box.current!.clientWidth - 2) * zoom, turn: turned }
    setState('drawing')
    pdf.draw(page, into).then(
      drawn => {
        if (gone) return
        setLinks(drawn.links)
        setState('drawn')
      },
      () => gone || setState('failed'),
    )
    return () => {
      gone = true
    }
  }, [pdf, page, zoom, turned])
  return (
    <>
      <section
        ref={box}
        className="kw-sheet"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard
        tabIndex={0}
        aria-label={label}
        aria-busy={state === 'drawing'}
        data-state={state}
        onKeyDown={e => {
          if (e.key === 'PageDown') onStep(1)
          else if (e.key === 'PageUp') onStep(-1)
          else return
          e.preventDefault()
        }}
      >
        <div className="kw-sheet-page">
          <canvas ref={canvas} />
          <div ref={words} className="textLayer" />
        </div>
      </section>
      {state === 'failed' && <Banner tone="warn">{t('images.pdfPageBroken')}</Banner>}
      {links.length > 0 && (
        <details>
          <summary>{t('images.pdfLinks')}</summary>
          <ul className="kw-bullets">
            {links.map(({ url }) => (
              <li key={url} className="kw-mono">
                {/^https:/i.test(url) ? (
                  <a href={url} target="_blank" rel="noopener noreferrer">
                    {url}
                  </a>
                ) : (
                  url
                )}
              </li>
            ))}
          </ul>
        </details>
      )}
    </>
  )
}

/** Pages looked through at one go; then the screen gets its turn. */
function usePdfSearch(pdf: Pdf, go: (page: number) => void) {
  const { t } = useWords()
  const [text, setText] = useState('')
  const [told, setTold] = useState('')
  const turn = useRef(0)
  const next = (from: number): void => {
    const wanted = text.trim().toLocaleLowerCase()
    const mine = ++turn.current
    setTold('')
    const look = async (): Promise<void> => {
      for (let step = 1; step <= pdf.pages; step++) {
        const page = ((from - 1 + step) % pdf.pages) + 1
        if (step % 20 === 0) setTold(t('images.pdfLooking', { page }))
        const found = (await pdf.text(page)).replace(/\s+/g, ' ').toLocaleLowerCase().includes(wanted)
        if (mine !== turn.current) return
        if (!found) continue
        setTold(t('images.pdfFound', { page }))
        return go(page)
      }
      setTold(t('images.pdfNotFound'))
    }
    if (wanted) look().catch(() => setTold(t('images.pdfNotFound')))
  }
  return { text, setText, told, next }
}

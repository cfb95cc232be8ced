import { type ReactNode, useEffect, useRef } from 'react'
import { Icon } from '#parts/icon.tsx'
import { Logo } from '#parts/logo.tsx'
import { useWords } from '#words/context.tsx'
import { GuardNotes } from './guard-notes.tsx'

/** The two halves of every screen before the lock. */
export function Frame({ step, children }: { readonly step: boolean; readonly children: ReactNode }) {
  const { t } = useWords()
  return (
    <div className="kw-begin" data-step={step}>
      <aside className="kw-begin-side">
        <Logo />
        <p className="kw-display">{t('begin.title')}</p>
        <p>{t('begin.lead')}</p>
        <ul>
          {(['begin.point1', 'begin.point2', 'begin.point3'] as const).map((key, i) => (
            <li key={key}>
              <Icon name={(['lock', 'clock', 'eye'] as const)[i]!} />
              {t(key)}
            </li>
          ))}
        </ul>
      </aside>
      <main className="kw-begin-main kw-stack kw-stack-wide">
        <GuardNotes />
        {children}
      </main>
    </div>
  )
}

/** The heading of a step takes the focus, as a page's does. */
export function StepTitle({ number, children }: { readonly number?: number; readonly children: ReactNode }) {
  const { t } = useWords()
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    heading.current?.focus({ preventScroll: true })
    window.scrollTo(0, 0)
  }, [])
  return (
    <div className="kw-stack kw-stack-tight">
      {number && <p className="kw-dim">{t('begin.step', { number, total: 3 })}</p>}
      <h1 ref={heading} tabIndex={-1}>
        {children}
      </h1>
    </div>
  )
}

import { type ReactNode, useEffect, useRef } from 'react'
import { useWords } from '#words/context.tsx'
import { Icon, type IconName } from './icon.tsx'

type PageProps = {
  readonly title: string
  /** What the browser's tab and history show: never anything of the record. */
  readonly tab: string
  readonly lead?: ReactNode
  readonly actions?: ReactNode
  readonly back?: { readonly href: string; readonly label: string }
  readonly children: ReactNode
}

/** One screen: its heading takes the focus when it appears, so that a screen reader begins there. */
export function Page({ title, tab, lead, actions, back, children }: PageProps) {
  const heading = useRef<HTMLHeadingElement>(null)
  const { locale } = useWords()
  const spoken = useRef<string>(null)
  useEffect(() => {
    document.title = `${tab} · Keepwell`
    // Another language is not another screen: whoever chose it stays where they are.
    const same = spoken.current !== null && spoken.current !== locale
    spoken.current = locale
    if (same) return
    heading.current?.focus({ preventScroll: true })
    window.scrollTo(0, 0)
  }, [tab, locale])
  return (
    <div className="kw-stack kw-stack-wide">
      <header className="kw-stack kw-stack-tight">
        {back && (
          <a className="kw-back" href={back.href}>
            <Icon name="back" size={18} />
            {back.label}
          </a>
        )}
        <div className="kw-head">
          <div className="kw-stack kw-stack-tight">
            <h1 ref={heading} tabIndex={-1}>
              {title}
            </h1>
            {lead && <p className="kw-lead">{lead}</p>}
          </div>
          {actions && <div className="kw-row kw-head-actions">{actions}</div>}
        </div>
      </header>
      {children}
    </div>
  )
}

type PanelProps = {
  readonly title?: ReactNode
  readonly icon?: IconName
  readonly side?: ReactNode
  readonly wide?: boolean
  readonly children: ReactNode
}

export const Panel = ({ title, icon, side, wide, children }: PanelProps) => (
  <section className={wide ? 'kw-panel kw-grid-wide' : 'kw-panel'}>
    {title && (
      <div className="kw-panel-head">
        <h2>
          {icon && <Icon name={icon} size={21} />}
          {title}
        </h2>
        {side}
      </div>
    )}
    {children}
  </section>
)

export type Tone = 'good' | 'warn' | 'bad' | 'plain'
const TONE_ICONS: Readonly<Record<Tone, IconName>> = { good: 'shield', warn: 'alert', bad: 'alert', plain: 'info' }

type BannerProps = {
  readonly tone?: Tone
  readonly icon?: IconName
  readonly title?: ReactNode
  readonly bar?: boolean
  /** Spoken at once by screen readers. */
  readonly urgent?: boolean
  readonly children?: ReactNode
}

export const Banner = ({ tone = 'plain', icon, title, bar, urgent, children }: BannerProps) => (
  <div className={bar ? 'kw-banner kw-banner-bar' : 'kw-banner'} data-tone={tone} role={urgent ? 'alert' : undefined}>
    <Icon name={icon ?? TONE_ICONS[tone]} size={22} />
    <div className="kw-banner-body">
      {title && <strong>{title}</strong>}
      {children}
    </div>
  </div>
)

type EmptyProps = { readonly icon: IconName; readonly title: string; readonly children?: ReactNode; readonly actions?: ReactNode }

export const Empty = ({ icon, title, children, actions }: EmptyProps) => (
  <div className="kw-empty">
    <Icon name={icon} size={44} />
    <p className="kw-display">{title}</p>
    {children && <p className="kw-lead">{children}</p>}
    {actions && <div className="kw-row">{actions}</div>}
  </div>
)

export const Tag = ({ tone, children }: { readonly tone?: Tone | 'brand'; readonly children: ReactNode }) => (
  <span className="kw-tag" data-tone={tone}>
    {children}
  </span>
)

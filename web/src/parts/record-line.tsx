import type { ReactNode } from 'react'
import { Glyph } from './icon.tsx'

type LineProps = {
  readonly href?: string
  readonly type?: string
  readonly glyph?: ReactNode
  readonly title: ReactNode
  readonly sub?: ReactNode
  readonly side?: ReactNode
  readonly value?: ReactNode
  /** Long texts wrap instead of being cut. */
  readonly wrap?: boolean
}

/** One thing in a list: what it is, what else to know of it, and on the right a date or a value. */
export function RecordLine({ href, wrap, ...inside }: LineProps) {
  const name = wrap ? 'kw-line kw-line-wrap' : 'kw-line'
  return href ? (
    <a className={name} href={href}>
      <Inside {...inside} />
    </a>
  ) : (
    <div className={name}>
      <Inside {...inside} />
    </div>
  )
}

type PickProps = Omit<LineProps, 'href' | 'wrap'> & { readonly picked: boolean; readonly onPick: (picked: boolean) => void }

/** The same to be ticked, while several are chosen. */
export const PickLine = ({ picked, onPick, ...inside }: PickProps) => (
  <label className="kw-line kw-line-pick" data-picked={picked}>
    <input type="checkbox" checked={picked} onChange={e => onPick(e.currentTarget.checked)} />
    <Inside {...inside} />
  </label>
)

const Inside = ({ type, glyph, title, sub, side, value }: Omit<LineProps, 'href' | 'wrap'>) => (
  <>
    {glyph || (type && <Glyph type={type} />)}
    <span className="kw-line-text">
      <span className="kw-line-title">{title}</span>
      {sub && <span className="kw-line-sub">{sub}</span>}
    </span>
    {(side || value) && (
      <span className="kw-line-side">
        {value && <span className="kw-line-value kw-number">{value} </span>}
        {side && <span className="kw-number">{side}</span>}
      </span>
    )}
  </>
)

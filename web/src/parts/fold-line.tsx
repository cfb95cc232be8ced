import type { ReactNode } from 'react'
import { Glyph, Icon } from './icon.tsx'

type FoldProps = {
  readonly type: string
  readonly title: ReactNode
  readonly sub: ReactNode
  readonly side: ReactNode
  readonly open: boolean
  readonly onToggle: () => void
}

/** A line that opens to more lines below it. */
export const FoldLine = ({ type, title, sub, side, open, onToggle }: FoldProps) => (
  <button type="button" className="kw-line kw-fold" aria-expanded={open} onClick={onToggle}>
    <Glyph type={type} />
    <span className="kw-line-text">
      <span className="kw-line-title">{title}</span>
      <span className="kw-line-sub">{sub}</span>
    </span>
    <span className="kw-line-side kw-number">{side}</span>
    <span className="kw-fold-sign">
      <Icon name="open" size={20} />
    </span>
  </button>
)

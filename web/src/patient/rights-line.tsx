import type { ReactNode } from 'react'
import { type IconName, Sign } from '#parts/icon.tsx'

type RightProps = { readonly icon: IconName; readonly title: string; readonly text: ReactNode; readonly children: ReactNode }

/** One right: what it is, and its button. */
export const Right = ({ icon, title, text, children }: RightProps) => (
  <div className="kw-right">
    <div className="kw-line kw-line-wrap">
      <Sign name={icon} tone="brand" />
      <span className="kw-line-text">
        <strong className="kw-line-title">{title}</strong>
        <span className="kw-line-sub">{text}</span>
      </span>
    </div>
    {children}
  </div>
)

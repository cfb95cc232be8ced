import { Button } from '@mantine/core'
import type { IconName } from './icon.tsx'
import { Panel } from './page.tsx'

type LinkPanelProps = {
  readonly title: string
  readonly icon: IconName
  readonly text: string
  readonly href: string
  readonly go: string
  readonly wide?: boolean
}

/** A few words about something that has a screen of its own, and the way there. */
export const LinkPanel = ({ title, icon, text, href, go, wide = false }: LinkPanelProps) => (
  <Panel title={title} icon={icon} wide={wide}>
    <p className="kw-lead">{text}</p>
    <div className="kw-actions">
      <Button component="a" href={href} variant="default">
        {go}
      </Button>
    </div>
  </Panel>
)

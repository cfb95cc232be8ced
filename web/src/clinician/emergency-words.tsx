import { Button } from '@mantine/core'
import { Banner, Panel, Tag } from '#parts/page.tsx'
import type { CardRead } from '#rpc/emergency.ts'
import { useWords } from '#words/context.tsx'

/** The words on the card come first: they are there without a network, and often they are enough. */
export function CardPanel({ read, onAnother }: { readonly read: CardRead; readonly onAnother: () => void }) {
  const { t } = useWords()
  return (
    <Panel
      title={t('aid.words')}
      icon="paper"
      side={<Tag tone={read.vouched ? 'good' : 'bad'}>{t(read.vouched ? 'aid.vouched' : 'aid.unvouched')}</Tag>}
    >
      <div className="kw-stack">
        {!read.vouched && (
          <Banner tone="bad" urgent>
            {t('aid.unvouchedNote')}
          </Banner>
        )}
        <p className="kw-card-words" data-testid="card-words">
          {read.words}
        </p>
        {read.vouched && <p className="kw-dim kw-small">{t('aid.vouchedNote')}</p>}
        <div>
          <Button variant="default" onClick={onAnother}>
            {t('aid.another')}
          </Button>
        </div>
      </div>
    </Panel>
  )
}

import { Switch } from '@mantine/core'
import { useState } from 'react'
import { canNotify, notifyOn, setNotify } from '#client/notify.ts'
import { Banner, Panel } from '#parts/page.tsx'
import { useWords } from '#words/context.tsx'

/** Whether the browser tells of news while this page is open somewhere. */
export function Notifying() {
  const { t } = useWords()
  const [on, setOn] = useState(notifyOn)
  const [refused, setRefused] = useState(false)
  const choose = (next: boolean): void => {
    void setNotify(next).then(holds => {
      setOn(holds)
      setRefused(next && !holds)
    })
  }
  return (
    <Panel title={t('notify.title')} icon="bell">
      <div className="kw-stack">
        <Switch
          size="md"
          label={t('notify.switch')}
          description={t('notify.note')}
          checked={on}
          disabled={!canNotify()}
          onChange={e => choose(e.currentTarget.checked)}
        />
        {refused && (
          <Banner tone="warn" urgent>
            {t('notify.refused')}
          </Banner>
        )}
      </div>
    </Panel>
  )
}

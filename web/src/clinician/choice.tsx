import { Button, Switch } from '@mantine/core'
import { useState } from 'react'
import { useVault } from '#client/context.tsx'
import { useAsk } from '#client/use-ask.ts'
import { Panel } from '#parts/page.tsx'
import { useWords } from '#words/context.tsx'

/** Among the settings: says that its owner reads other people's records, so that the page for that shows. */
export function ClinicianChoice() {
  const { t } = useWords()
  const { api } = useVault()
  const { value, again } = useAsk(() => api.desk(null), [], ['sharing'])
  const [chosen, setChosen] = useState<boolean | null>(null)
  if (!value) return null
  const { reader } = value
  const on = chosen ?? reader.clinician
  const choose = (clinician: boolean): void => {
    setChosen(clinician)
    void api.keepReader({ ...reader, clinician }).then(again, () => setChosen(null))
  }
  return (
    <Panel title={t('desk.setting')} icon="person">
      <div className="kw-stack">
        <Switch
          size="md"
          label={t('desk.settingOn')}
          description={t('desk.settingNote')}
          checked={on}
          onChange={e => choose(e.currentTarget.checked)}
        />
        {(on || value.patients.length > 0) && (
          <div>
            <Button component="a" href="#/desk" variant="light">
              {t('desk.title')}
            </Button>
          </div>
        )}
      </div>
    </Panel>
  )
}

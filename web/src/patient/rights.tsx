import { Button } from '@mantine/core'
import { useVault } from '#client/context.tsx'
import { useAsk } from '#client/use-ask.ts'
import type { IconName } from '#parts/icon.tsx'
import { Page, Panel } from '#parts/page.tsx'
import { Failed, Waiting } from '#parts/state.tsx'
import { useWords } from '#words/context.tsx'
import { Cases } from './rights-cases.tsx'
import { Limits } from './rights-limits.tsx'
import { Right } from './rights-line.tsx'
import { Told } from './rights-told.tsx'

const HERE = [
  { name: 'see', icon: 'save', href: '#/settings/data' },
  { name: 'who', icon: 'eye', href: '#/who' },
  { name: 'rectify', icon: 'paper', href: '#/rights/ask/rectify' },
  { name: 'withdraw', icon: 'share', href: '#/share' },
  { name: 'erase', icon: 'trash', href: '#/timeline' },
  { name: 'keep', icon: 'clock', href: '#/rights/keep' },
  { name: 'all', icon: 'alert', href: '#/settings/erase' },
] as const satisfies readonly { readonly name: string; readonly icon: IconName; readonly href: string }[]

/** What the law gives a person: each right in plain words with one button, and what was asked of others. */
export function Rights() {
  const { t } = useWords()
  const { api, me } = useVault()
  const { value, error, again } = useAsk(() => api.rights(null), [], ['rights', 'sharing'])
  return (
    <Page
      title={t('rights.title')}
      tab={t('rights.title')}
      lead={t('rights.lead')}
      back={{ href: '#/settings', label: t('settings.title') }}
    >
      {error && !value ? (
        <Failed error={error} onRetry={again} />
      ) : !value ? (
        <Waiting />
      ) : (
        <div className="kw-grid">
          <Told told={value.told} />
          <Limits limits={value.limits} again={again} />
          <Panel title={t('rights.here')} icon="shield" wide>
            <ul className="kw-lines">
              {HERE.filter(r => r.name !== 'all' || !me.sample).map(({ name, icon, href }) => (
                <li key={name}>
                  <Right icon={icon} title={t(`rights.${name}`)} text={t(`rights.${name}Text`)}>
                    <Button component="a" href={href} variant="default">
                      {t(`rights.${name}Go`)}
                    </Button>
                  </Right>
                </li>
              ))}
            </ul>
          </Panel>
          <Cases cases={value.cases} again={again} />
        </div>
      )}
    </Page>
  )
}

import { Button, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useVault } from '#client/context.tsx'
import { useAsk } from '#client/use-ask.ts'
import { useDo } from '#client/use-do.ts'
import { Banner, Panel } from '#parts/page.tsx'
import { Failed } from '#parts/state.tsx'
import type { WitnessView } from '#rpc/views.ts'
import { useWords } from '#words/context.tsx'
import { errorText } from '#words/error.ts'
import { ReportProof } from './who-report.tsx'

/** Somebody independent who watches the same log: what they were shown, beside what was shown here. */
export function WitnessPanel() {
  const { t } = useWords()
  const { api } = useVault()
  const { value, error, again } = useAsk(() => api.witnesses(null), [], [])
  const [address, setAddress] = useState('')
  const adding = useDo(async (url: string) => {
    await api.addWitness(url)
    setAddress('')
    await again()
  })
  const forgetting = useDo(async (url: string) => {
    await api.forgetWitness(url)
    await again()
  })
  return (
    <Panel title={t('witness.title')} icon="eye">
      <div className="kw-stack">
        <p className="kw-dim">{t('witness.lead')}</p>
        {error ? <Failed error={error} onRetry={again} /> : value?.map(w => <Said key={w.url} said={w} onForget={forgetting.run} />)}
        <form
          className="kw-row kw-account"
          onSubmit={e => {
            e.preventDefault()
            adding.run(address)
          }}
        >
          <TextInput
            type="url"
            required
            label={t('witness.address')}
            placeholder="https://"
            value={address}
            onChange={e => setAddress(e.currentTarget.value)}
          />
          <Button type="submit" variant="default" loading={adding.busy}>
            {t('witness.add')}
          </Button>
        </form>
        {adding.error !== null && <Failed error={adding.error} />}
        {forgetting.error !== null && <Failed error={forgetting.error} />}
      </div>
    </Panel>
  )
}

function Said({ said: w, onForget }: { readonly said: WitnessView; readonly onForget: (url: string) => void }) {
  const words = useWords()
  const { t } = words
  const tone = w.failed || !w.seen ? 'plain' : w.same && !w.charges.length ? 'good' : 'bad'
  const title = w.failed
    ? t('witness.failed', { name: w.name })
    : !w.seen
      ? t('witness.unknown', { name: w.name })
      : t(w.same ? 'witness.same' : 'witness.other', { name: w.name, size: w.seen.size, date: words.time(w.seen.at) })
  return (
    <Banner tone={tone} title={title}>
      {w.failed && <p>{`${errorText(words, w.failed)} (${w.failed.code})`}</p>}
      {w.charges.length > 0 && (
        <ul className="kw-bullets">
          {w.charges.map(c => (
            <li key={c.kind}>
              {words.maybe(`witness.charge.${c.kind}`, c.kind)} {c.reported && t('witness.onLedger')}
            </li>
          ))}
        </ul>
      )}
      <ReportProof proof={w.charges.some(c => c.reported) ? null : w.proof} />
      <Button variant="subtle" onClick={() => onForget(w.url)}>
        {t('witness.forget')}
      </Button>
    </Banner>
  )
}

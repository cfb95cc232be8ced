import { Button, Textarea } from '@mantine/core'
import { useState } from 'react'
import { useVault } from '#client/context.tsx'
import { useAsk } from '#client/use-ask.ts'
import { useDo } from '#client/use-do.ts'
import { Tag } from '#parts/page.tsx'
import { Failed } from '#parts/state.tsx'
import { useWords } from '#words/context.tsx'

/** Who vouches for the person here, by the ledger now; a credential that came from an issuer is kept here. */
export function Credentials() {
  const words = useWords()
  const { t } = words
  const { api } = useVault()
  const { value, again } = useAsk(() => api.ownCredentials(null), [], ['emergency'])
  const [text, setText] = useState('')
  const keeping = useDo(async () => {
    await api.addCredential(text)
    setText('')
    await again()
  })
  const none = value?.length === 0
  return (
    <section className="kw-stack kw-stack-tight" aria-label={t('aid.credential')}>
      <h3>{t('aid.credential')}</h3>
      {none && <p className="kw-dim">{t('aid.none')}</p>}
      <ul className="kw-answers">
        {value?.map(c => (
          <li key={`${c.name} ${c.role} ${c.until}`}>
            {c.name}, {c.role}{' '}
            <Tag tone={c.state === 'live' ? 'good' : c.state === 'unknown' ? 'warn' : 'bad'}>
              {t(`aid.state.${c.state}`, { date: words.day(c.until) })}
            </Tag>
          </li>
        ))}
      </ul>
      <details open={none}>
        <summary>{t('aid.paste')}</summary>
        <div className="kw-stack">
          <Textarea
            aria-label={t('aid.paste')}
            rows={3}
            classNames={{ input: 'kw-mono' }}
            autoComplete="off"
            spellCheck={false}
            value={text}
            onChange={e => setText(e.currentTarget.value)}
          />
          {keeping.error !== null && <Failed error={keeping.error} />}
          <div>
            <Button variant="default" loading={keeping.busy} disabled={!text.trim()} onClick={() => keeping.run()}>
              {t('aid.keep')}
            </Button>
          </div>
        </div>
      </details>
    </section>
  )
}

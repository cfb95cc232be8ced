import { Button, TextInput } from '@mantine/core'
import { useRef, useState } from 'react'
import { useVault } from '#client/context.tsx'
import { useAsk } from '#client/use-ask.ts'
import { useDo } from '#client/use-do.ts'
import { Banner } from '#parts/page.tsx'
import { Failed } from '#parts/state.tsx'
import type { BrandView } from '#rpc/hospitals.ts'
import { useWords } from '#words/context.tsx'

const codeOf = (error: unknown): unknown => (error as { code?: unknown } | null)?.code

/** A hospital found by name or place in a list that its software's maker publishes, read on this device. */
export function ChooseHospital({ onChoose }: { readonly onChoose: (chosen: BrandView) => void }) {
  const { t, n } = useWords()
  const { api } = useVault()
  const input = useRef<HTMLInputElement>(null)
  const [listed, setListed] = useState(0)
  const [query, setQuery] = useState('')
  const reading = useDo(async (file: File) => setListed(await api.loadBrands(file)))
  const found = useAsk(() => api.findBrands(query), [query, listed])
  return (
    <details className="kw-more">
      <summary>{t('hospital.choose')}</summary>
      <div className="kw-stack">
        <p className="kw-dim">{t('hospital.listNote')}</p>
        <div>
          <Button variant="default" loading={reading.busy} onClick={() => input.current?.click()}>
            {t('hospital.listLoad')}
          </Button>
          <input
            ref={input}
            type="file"
            hidden
            aria-label={t('hospital.listLoad')}
            accept=".json,application/json,application/fhir+json"
            onChange={e => {
              const file = e.currentTarget.files?.[0]
              e.currentTarget.value = ''
              if (file) reading.run(file)
            }}
          />
        </div>
        {codeOf(reading.error) === 'BAD_INPUT' ? (
          <Banner tone="warn" urgent>
            {t('hospital.listBad')}
          </Banner>
        ) : (
          reading.error !== null && <Failed error={reading.error} />
        )}
        {listed > 0 && (
          <>
            <TextInput
              type="search"
              label={t('hospital.listSearch')}
              description={n('hospital.listed', listed)}
              autoComplete="off"
              maxLength={200}
              value={query}
              onChange={e => setQuery(e.currentTarget.value)}
            />
            {query.trim() && found.value && <Found found={found.value} onChoose={onChoose} />}
          </>
        )}
      </div>
    </details>
  )
}

type FoundProps = {
  readonly found: { readonly count: number; readonly shown: readonly BrandView[] }
  readonly onChoose: (chosen: BrandView) => void
}

function Found({ found: { count, shown }, onChoose }: FoundProps) {
  const { t, n } = useWords()
  return (
    <>
      <p role="status" className="kw-dim">
        {count ? n('hospital.listFound', count) : t('hospital.listNone')}
      </p>
      <ul className="kw-lines">
        {shown.map(b => (
          <li key={`${b.name} ${b.base}`} className="kw-row kw-row-between">
            <span>
              <strong>{b.name}</strong>{' '}
              <span className="kw-dim">{[b.place, b.server, new URL(b.base).host].filter(Boolean).join(' · ')}</span>
            </span>
            <Button size="sm" variant="default" aria-label={t('hospital.listTake', { name: b.name })} onClick={() => onChoose(b)}>
              {t('hospital.listChoose')}
            </Button>
          </li>
        ))}
      </ul>
    </>
  )
}

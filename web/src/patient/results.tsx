import { Button, Checkbox, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useVault } from '#client/context.tsx'
import { useAsk } from '#client/use-ask.ts'
import { Icon } from '#parts/icon.tsx'
import { Banner, Empty, Page, Panel } from '#parts/page.tsx'
import { Failed, Waiting } from '#parts/state.tsx'
import { ResultList, resultName } from '#record/result-list.tsx'
import type { ResultsView } from '#rpc/results.ts'
import { useWords } from '#words/context.tsx'
import { PrintButton } from './print-button.tsx'

/** Everything measured. */
export function Results() {
  const { t } = useWords()
  const { api, me } = useVault()
  const { value, error, again } = useAsk(() => api.results(null), [], ['records'])
  return (
    <Page title={t('results.title')} tab={t('results.title')} lead={t('results.lead')} actions={<PrintButton />}>
      <p className="kw-print-only">{me.name}</p>
      {error && !value ? <Failed error={error} onRetry={again} /> : !value ? <Waiting /> : <All value={value} />}
    </Page>
  )
}

function All({ value }: { readonly value: ResultsView }) {
  const words = useWords()
  const { t, n } = words
  const [text, setText] = useState('')
  const [only, setOnly] = useState(false)
  const sought = text.trim().toLowerCase()
  const lines = value.lines.filter(
    l => (!only || l.outside) && (!sought || `${resultName(words, l)} ${l.name}`.toLowerCase().includes(sought)),
  )
  return (
    <>
      {value.unread > 0 && <Banner icon="clock">{n('results.unread', value.unread)}</Banner>}
      {value.lines.length === 0 ? (
        <Panel>
          <Empty
            icon="flask"
            title={t('results.empty')}
            actions={
              <Button component="a" href="#/add">
                {t('home.emptyAdd')}
              </Button>
            }
          >
            {t('results.emptyLead')}
          </Empty>
        </Panel>
      ) : (
        <>
          <search className="kw-filters kw-filters-check kw-no-print">
            <TextInput
              type="search"
              aria-label={t('results.search')}
              placeholder={t('results.search')}
              leftSection={<Icon name="search" size={20} />}
              value={text}
              onChange={e => setText(e.currentTarget.value)}
            />
            <Checkbox size="md" label={t('results.onlyOutside')} checked={only} onChange={e => setOnly(e.currentTarget.checked)} />
          </search>
          <p className="kw-dim" role="status">
            {lines.length ? n('results.series', lines.length) : t('results.nothing')}
          </p>
          <ResultList lines={lines} href={key => `#/results/${key}`} />
        </>
      )}
    </>
  )
}

import { Button, NativeSelect } from '@mantine/core'
import { useState } from 'react'
import { useVault } from '#client/context.tsx'
import { useAsk } from '#client/use-ask.ts'
import { useDo } from '#client/use-do.ts'
import { Icon } from '#parts/icon.tsx'
import { JobProgress } from '#parts/job-progress.tsx'
import { Empty, Page, Panel } from '#parts/page.tsx'
import { Failed, Waiting } from '#parts/state.tsx'
import { PatientSummary } from '#record/patient-summary.tsx'
import { saveBlob } from '#record/save.ts'
import type { Doing } from '#rpc/own.ts'
import type { MadeSummary, SaveSummary } from '#rpc/summary.ts'
import type { CompartmentView } from '#rpc/views.ts'
import { useWords } from '#words/context.tsx'
import { LOCALES, type Locale } from '#words/words.ts'
import { today } from './partial-date.ts'
import { PartsChoice, unsensitive } from './parts-choice.tsx'

/** The International Patient Summary, for a journey or another doctor: seen as it will be, then saved or given by a link. */
export function SummaryDocument() {
  const { t } = useWords()
  const { api } = useVault()
  const parts = useAsk(() => api.compartments(null), [])
  const some = parts.value?.filter(p => p.count > 0)
  return (
    <Page title={t('ips.title')} tab={t('ips.title')} back={{ href: '#/', label: t('nav.home') }} lead={t('ips.lead')}>
      {parts.error && !some ? (
        <Failed error={parts.error} onRetry={parts.again} />
      ) : !some ? (
        <Waiting />
      ) : some.length ? (
        <Chosen parts={some} />
      ) : (
        <Panel>
          <Empty icon="folder" title={t('home.empty')} />
        </Panel>
      )}
    </Page>
  )
}

function Chosen({ parts }: { readonly parts: readonly CompartmentView[] }) {
  const words = useWords()
  const { t } = words
  const { api } = useVault()
  const [chosen, setChosen] = useState<readonly string[]>(() => unsensitive(parts))
  const [doing, setDoing] = useState<Doing | null>(null)
  const none = chosen.length === 0
  const made = useAsk(async () => {
    setDoing(null)
    return none ? null : api.makeSummary(chosen, { progress: p => setDoing(p as Doing) })
  }, [chosen])
  const ready = made.value && !made.loading && !none ? made.value : null
  return (
    <>
      <Panel>
        <div className="kw-stack">
          <PartsChoice className="kw-choices kw-choices-two" legend={t('links.parts')} parts={parts} chosen={chosen} onChange={setChosen} />
          <p className="kw-dim">{t('ips.rule')}</p>
        </div>
      </Panel>
      {none ? (
        <p className="kw-dim" role="status">
          {t('ips.none')}
        </p>
      ) : made.loading ? (
        <JobProgress
          text={t('ips.making')}
          detail={doing?.total ? t('own.progress', { done: doing.done, total: doing.total }) : ''}
          percent={doing?.total ? (100 * doing.done) / doing.total : null}
          stop={t('own.stop')}
        />
      ) : (
        made.error !== null && <Failed error={made.error} onRetry={made.again} />
      )}
      {ready && (
        <>
          <Take made={ready} parts={chosen} />
          <article aria-label={t('print.preview')}>
            <PatientSummary summary={ready.summary} />
          </article>
        </>
      )}
    </>
  )
}

/** Out of the app: what is saved is what stands below. */
function Take({ made, parts }: { readonly made: MadeSummary; readonly parts: readonly string[] }) {
  const { t, locale } = useWords()
  const { api } = useVault()
  const [language, setLanguage] = useState<Locale>(locale)
  const saving = useDo(async (form: SaveSummary['form']) => {
    const file = await api.saveSummary({ id: made.id, form, language })
    saveBlob(file, `${t('ips.file', { date: today(new Date()) })}.${form === 'pdf' ? 'pdf' : 'json'}`)
  })
  return (
    <Panel title={t('ips.take')} icon="save">
      <div className="kw-stack">
        <NativeSelect
          label={t('ips.language')}
          className="kw-form"
          value={language}
          onChange={e => setLanguage(e.currentTarget.value as Locale)}
          data={LOCALES.map(l => ({ value: l.locale, label: l.name }))}
        />
        <div className="kw-row">
          <Button onClick={() => saving.run('pdf')} loading={saving.busy} leftSection={<Icon name="save" size={19} />}>
            {t('ips.pdf')}
          </Button>
          <Button variant="default" onClick={() => saving.run('bundle')} loading={saving.busy}>
            {t('ips.bundle')}
          </Button>
          <Button variant="default" component="a" href={`#/links?parts=${parts.map(encodeURIComponent).join(',')}`}>
            {t('ips.link')}
          </Button>
        </div>
        {saving.error !== null && <Failed error={saving.error} />}
        <p className="kw-dim kw-small">{t('ips.note')}</p>
      </div>
    </Panel>
  )
}

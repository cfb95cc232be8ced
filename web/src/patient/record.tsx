import { Button } from '@mantine/core'
import { useState } from 'react'
import { useVault } from '#client/context.tsx'
import { chooseTarget } from '#client/save-file.ts'
import { useAsk } from '#client/use-ask.ts'
import { useDo } from '#client/use-do.ts'
import { useJob } from '#client/use-job.ts'
import { Confirm, Consequences } from '#parts/dialog.tsx'
import { Icon } from '#parts/icon.tsx'
import { Banner, Page } from '#parts/page.tsx'
import { Failed, Waiting } from '#parts/state.tsx'
import { kindName, partName, statusName, titleText } from '#record/labels.ts'
import { RecordView, SaveButton } from '#record/record-view.tsx'
import { saveBlob } from '#record/save.ts'
import type { Doing, Written } from '#rpc/own.ts'
import type { Erased } from '#rpc/views.ts'
import { useWords } from '#words/context.tsx'
import { errorText } from '#words/error.ts'
import { Running } from './running.tsx'
import { SeriesLinks } from './series-links.tsx'
import { timelineHref } from './timeline-place.ts'

/** From here on a person is asked where it shall go, and sees how far it is, bytes. */
const LARGE = 32 << 20

/** One record of the own vault. */
export function Record({ id }: { readonly id: string }) {
  const words = useWords()
  const { t } = words
  const { api } = useVault()
  const { value, error, again } = useAsk(() => api.record(id), [id])
  const listed = useAsk(() => api.recordRow(id), [id], ['records'])
  const anchored = useAsk(() => api.anchored(id), [id], ['records'])
  const [erased, setErased] = useState<Erased | null>(null)
  const [asking, setAsking] = useState(false)
  const saving = useJob<Doing, Written>(async options => {
    const { size, fileName } = value!
    const target = size > LARGE ? await chooseTarget(fileName) : null
    const written = await api.saveRecord({ id, target }, options)
    if (written.blob) saveBlob(written.blob, fileName)
    return written
  })
  const back = { href: timelineHref(api), label: t('timeline.title') }
  // What does not open here, as its holder is away, can be erased all the same.
  const row = value?.row ?? listed.value
  const lead = row && [
    kindName(words, row.type),
    words.date(row.date),
    row.status && statusName(words, row.status),
    partName(words, row.compartment),
  ]
  if (erased)
    return (
      <Page title={t('nav.timeline')} tab={t('timeline.title')} back={back}>
        <Banner icon="check" urgent>
          {t('record.erased', { date: words.time(erased.at) })}
        </Banner>
      </Page>
    )
  return (
    <Page
      title={row ? titleText(row.title) : t('app.loading')}
      tab={t('timeline.title')}
      back={back}
      {...(lead ? { lead: lead.filter(Boolean).join(' · ') } : {})}
      actions={
        (value ?? (error !== null && row)) && (
          <>
            {value?.typed && (
              <Button variant="default" component="a" href={`#/add/over/${id}`}>
                {t('type.change')}
              </Button>
            )}
            {value && (
              <>
                <Button component="a" href={`#/new-share?records=${id}`} variant="light" leftSection={<Icon name="share" size={19} />}>
                  {t('sharing.shareThis')}
                </Button>
                <SaveButton busy={saving.state === 'running'} onSave={saving.start} />
              </>
            )}
            <Button variant="light" color="red" leftSection={<Icon name="trash" size={19} />} onClick={() => setAsking(true)}>
              {t('record.erase')}
            </Button>
          </>
        )
      }
    >
      {value && (value.size > LARGE || saving.state === 'failed') && <Running job={saving} size={value.size} />}
      {error && !value ? (
        <Failed error={error} onRetry={again} />
      ) : !value ? (
        <Waiting />
      ) : (
        <RecordView
          view={{ ...value, from: { ...value.from, anchoredAt: anchored.value ?? value.from.anchoredAt } }}
          hrefOf={other => `#/record/${other}`}
          load={() => api.file(id)}
          onSave={saving.start}
        />
      )}
      {value && <SeriesLinks view={value} />}
      <Erase
        id={id}
        holder={row?.heldByAuthor ? (row.author ?? t('record.heldBySomebody')) : null}
        open={asking}
        onClose={() => setAsking(false)}
        onErased={setErased}
      />
    </Page>
  )
}

type EraseProps = {
  readonly id: string
  readonly holder: string | null
  readonly open: boolean
  readonly onClose: () => void
  readonly onErased: (e: Erased) => void
}

/** `holder`: who keeps the original, where it never moved. */
function Erase({ id, holder, open, onClose, onErased }: EraseProps) {
  const words = useWords()
  const { t } = words
  const { api } = useVault()
  const erasing = useDo(async () => onErased(await api.erase(id)))
  return (
    <Confirm
      open={open}
      title={t('record.eraseTitle')}
      cancel={t('app.cancel')}
      go={t('record.eraseGo')}
      busy={erasing.busy}
      error={erasing.error === null ? null : errorText(words, erasing.error)}
      onClose={onClose}
      onGo={() => erasing.run()}
    >
      <Consequences title={t('record.eraseWhat')} items={[t('record.erase1'), t('record.erase2')]} />
      <Consequences
        title={t('record.eraseNot')}
        items={[...(holder ? [t('record.eraseHeld', { name: holder })] : []), t('record.erase3'), t('record.erase4'), t('record.erase5')]}
      />
    </Confirm>
  )
}

import { Button } from '@mantine/core'
import { useState } from 'react'
import { useVault } from '#client/context.tsx'
import { useAsk } from '#client/use-ask.ts'
import { useDo } from '#client/use-do.ts'
import { Attach } from '#parts/attach.tsx'
import { Banner, Page, Panel } from '#parts/page.tsx'
import { Failed, Waiting } from '#parts/state.tsx'
import type { Measures, Typed, TypedBefore, TypedKind } from '#rpc/entry.ts'
import { useWords } from '#words/context.tsx'
import type { Key } from '#words/en.ts'
import type { Words } from '#words/words.ts'
import { changed, type Draft, draftOf, emptyDraft, inFuture, problemsIn, typedOf } from './type-in-fields.ts'
import { TypeInForm } from './type-in-form.tsx'

/** A form for something that a person knows, with the paper it stands on. */
export function TypeIn({ kind }: { readonly kind: TypedKind }) {
  const { t } = useWords()
  const { api } = useVault()
  const { value, error, again } = useAsk(() => api.measures(null), [])
  return (
    <Page title={t(`type.${kind}`)} tab={t('nav.add')} lead={t('type.lead')} back={{ href: '#/add', label: t('add.title') }}>
      {error ? <Failed error={error} onRetry={again} /> : value ? <Sheet kind={kind} measures={value} /> : <Waiting />}
    </Page>
  )
}

/** The same form over a record that was typed in before; filing it makes a new version. */
export function TypeOver({ id }: { readonly id: string }) {
  const { t } = useWords()
  const { api } = useVault()
  const { value, error, again } = useAsk(async () => ({ before: await api.typedBefore(id), measures: await api.measures(null) }), [id])
  return (
    <Page title={t('type.over')} tab={t('nav.add')} lead={t('type.overLead')} back={{ href: `#/record/${id}`, label: t('app.back') }}>
      {error ? (
        <Failed error={error} onRetry={again} />
      ) : value ? (
        <Sheet kind={value.before.typed.kind} measures={value.measures} of={id} before={value.before} />
      ) : (
        <Waiting />
      )}
    </Page>
  )
}

type SheetProps = {
  readonly kind: TypedKind
  readonly measures: Measures
  readonly of?: string
  readonly before?: TypedBefore
}

const NOTHING: ReadonlyMap<string, Key> = new Map()

/** What was measured stands in the record by its code, and in the language of whoever typed it. */
const inOwnWords = ({ maybe }: Words, typed: Typed): Typed =>
  typed.kind === 'measurement' && typed.what !== 'other' ? { ...typed, name: maybe(`analyte.${typed.what}`, '') } : typed

function Sheet({ kind, measures, of, before }: SheetProps) {
  const words = useWords()
  const { t } = words
  const { api } = useVault()
  const [draft, setDraft] = useState<Draft>(() => (before ? draftOf(before.typed) : emptyDraft(kind, new Date())))
  const [files, setFiles] = useState<readonly File[]>([])
  const [problems, setProblems] = useState(NOTHING)
  const [doubt, setDoubt] = useState<Key | null>(null)
  const filing = useDo(async (sure: boolean) => {
    const typed = inOwnWords(words, typedOf(kind, draft))
    const unsure: Key | null = (await api.doubtful(typed)) ? 'type.doubtValue' : inFuture(kind, draft, new Date()) ? 'type.doubtDate' : null
    if (unsure && !sure) return setDoubt(unsure)
    const { id } = await api.typeIn({ typed, files: files.map(file => ({ name: file.name, file })), ...(of ? { of } : {}) })
    location.hash = `#/record/${id}`
  })
  const submit = (sure: boolean): void => {
    const found = problemsIn(kind, draft)
    setProblems(found)
    setDoubt(null)
    if (!found.size) filing.run(sure)
  }
  return (
    <Panel>
      <TypeInForm
        kind={kind}
        draft={draft}
        measures={measures}
        problems={problems}
        busy={filing.busy}
        go={t(of ? 'type.goOver' : 'type.go')}
        onChange={(name, value) => {
          setDraft(d => changed(d, name, value, measures))
          setDoubt(null)
        }}
        onSubmit={() => submit(false)}
      >
        {before && before.attached.length > 0 && (
          <p className="kw-dim">{t('type.keeps', { titles: before.attached.map(a => a.title).join(', ') })}</p>
        )}
        <Attach title={t('type.attach')} note={t('type.attachNote')} files={files} onChange={setFiles} />
        {doubt && (
          <Banner tone="warn" title={t('type.doubt')} urgent>
            <p>{t(doubt)}</p>
            <Button mt="sm" variant="default" onClick={() => submit(true)} loading={filing.busy}>
              {t('type.sure')}
            </Button>
          </Banner>
        )}
        {filing.error !== null && <Failed error={filing.error} />}
      </TypeInForm>
    </Panel>
  )
}

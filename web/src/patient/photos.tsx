import { Button, NativeSelect, TextInput } from '@mantine/core'
import { type FormEvent, useEffect, useRef, useState } from 'react'
import { useVault } from '#client/context.tsx'
import { useDo } from '#client/use-do.ts'
import { Icon } from '#parts/icon.tsx'
import { Page, Panel } from '#parts/page.tsx'
import { Failed } from '#parts/state.tsx'
import { useWords } from '#words/context.tsx'
import { today } from './partial-date.ts'

const KINDS = ['other', 'discharge', 'laboratory', 'imaging', 'prescription', 'referral', 'vaccination', 'directive'] as const

/** Photos of a paper become one document, a page each. */
export function Photos() {
  const { t } = useWords()
  const { api } = useVault()
  const [pages, setPages] = useState<readonly File[]>([])
  const [title, setTitle] = useState('')
  const [date, setDate] = useState(() => today(new Date()))
  const [kind, setKind] = useState<string>('other')
  const [asked, setAsked] = useState(false)
  const filing = useDo(async () => {
    const { id } = await api.photographed({ pages, title: title.trim(), date, kind })
    location.hash = `#/record/${id}`
  })
  const form = useRef<HTMLFormElement>(null)
  const submit = (e: FormEvent): void => {
    e.preventDefault()
    setAsked(true)
    if (pages.length && title.trim() && date) filing.run()
    else requestAnimationFrame(() => form.current?.querySelector<HTMLElement>('[aria-invalid="true"], [data-missing]')?.focus())
  }
  return (
    <Page title={t('photos.title')} tab={t('nav.add')} lead={t('photos.lead')} back={{ href: '#/add', label: t('add.title') }}>
      <Panel>
        <form ref={form} className="kw-stack kw-form" onSubmit={submit} noValidate>
          <Pages pages={pages} onChange={setPages} missing={asked && !pages.length} />
          <TextInput
            label={t('photos.name')}
            description={t('photos.nameHint')}
            value={title}
            maxLength={120}
            error={asked && !title.trim() ? t('type.missing') : null}
            onChange={e => setTitle(e.currentTarget.value)}
          />
          <TextInput
            type="date"
            label={t('photos.date')}
            value={date}
            error={asked && !date ? t('type.missing') : null}
            onChange={e => setDate(e.currentTarget.value)}
          />
          <NativeSelect
            label={t('photos.kind')}
            value={kind}
            onChange={e => setKind(e.currentTarget.value)}
            data={KINDS.map(value => ({ value, label: t(`photos.kind.${value}`) }))}
          />
          {filing.error !== null && <Failed error={filing.error} />}
          <div>
            <Button type="submit" size="lg" loading={filing.busy}>
              {t('photos.go')}
            </Button>
          </div>
          <p className="kw-dim kw-small">{t('photos.note')}</p>
        </form>
      </Panel>
    </Page>
  )
}

type PagesProps = { readonly pages: readonly File[]; readonly onChange: (pages: readonly File[]) => void; readonly missing: boolean }

function Pages({ pages, onChange, missing }: PagesProps) {
  const { t } = useWords()
  const camera = useRef<HTMLInputElement>(null)
  const album = useRef<HTMLInputElement>(null)
  const add = (input: HTMLInputElement): void => {
    onChange([...pages, ...(input.files ?? [])])
    input.value = ''
  }
  const moved = (at: number, by: number): void => {
    const next = [...pages]
    const [page] = next.splice(at, 1)
    next.splice(at + by, 0, page!)
    onChange(next)
  }
  return (
    <fieldset className="kw-attach">
      <legend className="kw-label">{t('photos.pages')}</legend>
      {pages.length > 0 && (
        <ol className="kw-photos">
          {pages.map((page, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: pages are what stands at their place
            <li key={at}>
              <Picture file={page} alt={t('photos.page', { number: at + 1 })} />
              <div className="kw-row kw-photo-tools">
                <button
                  type="button"
                  className="kw-icon-link"
                  disabled={at === 0}
                  onClick={() => moved(at, -1)}
                  aria-label={t('photos.earlier', { number: at + 1 })}
                >
                  <Icon name="back" size={20} />
                </button>
                <span className="kw-number">{at + 1}</span>
                <button
                  type="button"
                  className="kw-icon-link"
                  onClick={() => onChange(pages.filter((_, i) => i !== at))}
                  aria-label={t('photos.remove', { number: at + 1 })}
                >
                  <Icon name="trash" size={20} />
                </button>
              </div>
            </li>
          ))}
        </ol>
      )}
      <div className="kw-row">
        <Button
          variant="light"
          leftSection={<Icon name="scan" size={19} />}
          data-missing={missing || undefined}
          onClick={() => camera.current?.click()}
        >
          {t('photos.take')}
        </Button>
        <Button variant="light" onClick={() => album.current?.click()}>
          {t('photos.choose')}
        </Button>
      </div>
      {missing && (
        <p className="kw-bad kw-small" role="alert">
          {t('photos.missing')}
        </p>
      )}
      <input
        ref={camera}
        type="file"
        accept="image/*"
        capture="environment"
        hidden
        aria-label={t('photos.take')}
        onChange={e => add(e.currentTarget)}
      />
      <input
        ref={album}
        type="file"
        accept="image/*"
        multiple
        hidden
        aria-label={t('photos.choose')}
        onChange={e => add(e.currentTarget)}
      />
    </fieldset>
  )
}

function Picture({ file, alt }: { readonly file: File; readonly alt: string }) {
  const [url, setUrl] = useState<string | null>(null)
  useEffect(() => {
    const made = URL.createObjectURL(file)
    setUrl(made)
    return () => URL.revokeObjectURL(made)
  }, [file])
  return url ? <img className="kw-photo" src={url} alt={alt} /> : <span className="kw-photo" />
}

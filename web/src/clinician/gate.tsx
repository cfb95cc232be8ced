import { Button, NativeSelect, TextInput } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import { Icon } from '#parts/icon.tsx'
import { Banner, Panel } from '#parts/page.tsx'
import { Failed, Waiting } from '#parts/state.tsx'
import { partName, purposeName } from '#record/labels.ts'
import type { DeskShare, OpenSession, Reader } from '#rpc/clinician.ts'
import { useWords } from '#words/context.tsx'
import type { Words } from '#words/words.ts'

export const partsText = (words: Words, s: Pick<DeskShare, 'compartments' | 'records'>): string =>
  s.records ? words.n('share.records', s.records) : words.list(s.compartments.map(c => partName(words, c)))

type GateProps = {
  readonly share: DeskShare
  /** Every live share of this person that allows reading. */
  readonly shares: readonly DeskShare[]
  readonly reader: Reader
  readonly busy: boolean
  readonly error: unknown
  readonly onOpen: (input: OpenSession) => void
}

/** Before a record opens: under which share, for what, and who is reading. All of it stands in the receipt. */
export function Gate({ share, shares, reader, busy, error, onOpen }: GateProps) {
  const words = useWords()
  const { t } = words
  const [purpose, setPurpose] = useState(share.purposes[0] ?? 'TREAT')
  const [person, setPerson] = useState(reader.person)
  const [role, setRole] = useState(reader.role)
  const submit = (e: FormEvent): void => {
    e.preventDefault()
    onOpen({ share: share.id, purpose, person, role })
  }
  if (busy) return <Waiting text={t('gate.opening', { name: share.name })} />
  return (
    <Panel>
      <form className="kw-stack kw-form" onSubmit={submit}>
        {shares.length > 1 && (
          <NativeSelect
            label={t('gate.share')}
            value={share.id}
            onChange={e => {
              location.hash = `#/desk/of/${e.currentTarget.value}`
            }}
            data={shares.map(s => ({ value: s.id, label: t('gate.shareLine', { parts: partsText(words, s), date: words.day(s.until) }) }))}
          />
        )}
        <NativeSelect
          label={t('gate.why')}
          value={purpose}
          onChange={e => setPurpose(e.currentTarget.value)}
          data={share.purposes.map(p => ({ value: p, label: purposeName(words, p) }))}
        />
        <TextInput
          label={t('gate.who')}
          description={t('gate.whoHint')}
          required
          withAsterisk={false}
          maxLength={200}
          autoComplete="name"
          value={person}
          onChange={e => setPerson(e.currentTarget.value)}
        />
        <TextInput
          label={t('gate.role')}
          description={t('gate.roleHint')}
          maxLength={80}
          autoComplete="off"
          value={role}
          onChange={e => setRole(e.currentTarget.value)}
        />
        <Banner icon="eye">{t('gate.receipt', { name: share.name })}</Banner>
        {error !== null && <Failed error={error} />}
        <div>
          <Button type="submit" leftSection={<Icon name="folder" size={19} />}>
            {t('gate.go')}
          </Button>
        </div>
      </form>
    </Panel>
  )
}

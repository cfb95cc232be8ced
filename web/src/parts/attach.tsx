import { Button } from '@mantine/core'
import { useRef } from 'react'
import { useWords } from '#words/context.tsx'
import { Icon } from './icon.tsx'

type AttachProps = {
  readonly title: string
  readonly note?: string
  readonly files: readonly File[]
  readonly onChange: (files: readonly File[]) => void
}

/** Files that go with something: chosen, named, taken off again. */
export function Attach({ title, note, files, onChange }: AttachProps) {
  const words = useWords()
  const { t } = words
  const input = useRef<HTMLInputElement>(null)
  return (
    <fieldset className="kw-attach">
      <legend className="kw-label">{title}</legend>
      {note && <p className="kw-dim kw-small">{note}</p>}
      {files.length > 0 && (
        <ul className="kw-attached">
          {files.map((file, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: two files may have one name
            <li key={at}>
              <Icon name="paper" size={20} />
              <span className="kw-file-name">{file.name}</span>
              <span className="kw-dim kw-small">{words.bytes(file.size)}</span>
              <Button variant="subtle" size="compact-sm" onClick={() => onChange(files.filter((_, i) => i !== at))}>
                {t('attach.remove')}
                <span className="kw-hidden"> {file.name}</span>
              </Button>
            </li>
          ))}
        </ul>
      )}
      <div>
        <Button variant="light" size="sm" leftSection={<Icon name="add" size={18} />} onClick={() => input.current?.click()}>
          {t('attach.add')}
        </Button>
      </div>
      <input
        ref={input}
        type="file"
        multiple
        hidden
        aria-label={t('attach.add')}
        onChange={e => {
          onChange([...files, ...(e.currentTarget.files ?? [])])
          e.currentTarget.value = ''
        }}
      />
    </fieldset>
  )
}

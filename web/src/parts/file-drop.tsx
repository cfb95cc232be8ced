import { Button } from '@mantine/core'
import { type DragEvent, useRef, useState } from 'react'
import { Icon } from './icon.tsx'

export type Picked = { readonly name: string; readonly file: File }

type DropProps = {
  readonly title: string
  readonly note: string
  readonly files: string
  readonly folder: string
  readonly onPick: (files: readonly Picked[]) => void
}

/** Takes files and whole folders, dropped or chosen. */
export function FileDrop({ title, note, files, folder, onPick }: DropProps) {
  const [over, setOver] = useState(false)
  const one = useRef<HTMLInputElement>(null)
  const many = useRef<HTMLInputElement>(null)
  const chosen = (input: HTMLInputElement): void => {
    onPick([...(input.files ?? [])].map(file => ({ name: file.webkitRelativePath || file.name, file })))
    input.value = ''
  }
  const drop = (e: DragEvent): void => {
    e.preventDefault()
    setOver(false)
    void dropped(e.dataTransfer).then(onPick)
  }
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: dropping is a shortcut; the buttons inside do the same
    <div
      className="kw-drop"
      data-over={over}
      onDragOver={e => {
        e.preventDefault()
        setOver(true)
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
    >
      <Icon name="folder" size={44} />
      <p className="kw-display kw-drop-title">{title}</p>
      <p className="kw-dim">{note}</p>
      <div className="kw-row">
        <Button onClick={() => one.current?.click()}>{files}</Button>
        <Button variant="light" onClick={() => many.current?.click()}>
          {folder}
        </Button>
      </div>
      <input ref={one} type="file" multiple hidden aria-label={files} onChange={e => chosen(e.currentTarget)} />
      <input
        ref={input => {
          many.current = input
          input?.setAttribute('webkitdirectory', '')
        }}
        type="file"
        hidden
        aria-label={folder}
        onChange={e => chosen(e.currentTarget)}
      />
    </div>
  )
}

async function dropped(data: DataTransfer): Promise<Picked[]> {
  // Entries must be taken before the first await: the browser empties the list after the event.
  const entries = [...data.items].flatMap(item => item.webkitGetAsEntry() ?? [])
  const out: Picked[] = []
  for (const entry of entries) out.push(...(await filesIn(entry)))
  return out
}

async function filesIn(entry: FileSystemEntry): Promise<Picked[]> {
  const name = entry.fullPath.replace(/^\//, '')
  if (entry.isFile) {
    const file = await new Promise<File | null>(resolve => (entry as FileSystemFileEntry).file(resolve, () => resolve(null)))
    return file ? [{ name, file }] : []
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader()
  const out: Picked[] = []
  // A reader gives at most a hundred entries at a time, and none when it is done.
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>(resolve => reader.readEntries(resolve, () => resolve([])))
    if (!some.length) return out
    for (const child of some) out.push(...(await filesIn(child)))
  }
}

type ChoiceProps = {
  readonly name: string
  readonly title: string
  readonly note?: string
  readonly checked: boolean
  readonly onChange: () => void
}

/** One of a few ways, with what it means. */
export const Choice = ({ name, title, note, checked, onChange }: ChoiceProps) => (
  <label className="kw-choice">
    <input type="radio" name={name} checked={checked} onChange={onChange} />
    <span className="kw-choice-text">
      <strong>{title}</strong>
      {note && <span className="kw-line-sub kw-wrap">{note}</span>}
    </span>
  </label>
)

import { Button, Progress } from '@mantine/core'

type JobProgressProps = {
  readonly text: string
  readonly detail: string
  /** From 0 to 100; null while it is not known. */
  readonly percent: number | null
  readonly stop: string
  readonly onStop?: () => void
}

/** Long work as it goes on: said, drawn, and to be called off where that does no harm. */
export const JobProgress = ({ text, detail, percent, stop, onStop }: JobProgressProps) => (
  <div className="kw-stack kw-stack-tight">
    <p role="status">
      <strong>{text}</strong>
    </p>
    <Progress value={percent ?? 100} animated striped size="lg" aria-label={text} />
    <div className="kw-row kw-row-between">
      <span className="kw-dim kw-number">{detail}</span>
      {onStop && (
        <Button size="sm" variant="default" onClick={onStop}>
          {stop}
        </Button>
      )}
    </div>
  </div>
)

import { useEffect, useRef, useState } from 'react'
import { codeIn, qrDecoder } from './qr-read.ts'

type ScannerProps = {
  readonly label: string
  /** What a code said; once it gives true, nothing more is read. */
  readonly onText: (text: string) => boolean
  readonly onFailed: () => void
}

const LOOK_EVERY = 150
/** Wider pictures are read no better, only slower. */
const WIDEST = 960

/** The camera's picture, read until a code is in it. The picture stays on this device, and the camera is let go with this part. */
export function QrScanner({ label, onText, onFailed }: ScannerProps) {
  const video = useRef<HTMLVideoElement>(null)
  const latest = useRef({ onText, onFailed })
  latest.current = { onText, onFailed }
  const [here, setHere] = useState(false)
  useEffect(() => {
    const end = new AbortController()
    const screen = video.current
    if (screen)
      watch(screen, { signal: end.signal, started: () => setHere(true), read: text => latest.current.onText(text) }).catch(() => {
        if (!end.signal.aborted) latest.current.onFailed()
      })
    return () => end.abort()
  }, [])
  return <video ref={video} className="kw-camera" data-here={here} aria-label={label} muted playsInline />
}

type Watching = { readonly signal: AbortSignal; readonly started: () => void; readonly read: (text: string) => boolean }

async function watch(screen: HTMLVideoElement, { signal, started, read }: Watching): Promise<void> {
  const [decode, stream] = await Promise.all([
    qrDecoder(),
    navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment', width: { ideal: 1280 } } }),
  ])
  const letGo = (): void => {
    for (const track of stream.getTracks()) track.stop()
  }
  if (signal.aborted) return letGo()
  signal.addEventListener('abort', letGo)
  screen.srcObject = stream
  await screen.play()
  started()
  const canvas = new OffscreenCanvas(1, 1)
  const brush = canvas.getContext('2d', { willReadFrequently: true })
  while (brush && !signal.aborted) {
    const scale = Math.min(1, WIDEST / Math.max(1, screen.videoWidth))
    canvas.width = Math.round(screen.videoWidth * scale)
    canvas.height = Math.round(screen.videoHeight * scale)
    if (canvas.width && canvas.height) {
      brush.drawImage(screen, 0, 0, canvas.width, canvas.height)
      const text = codeIn(decode, brush.getImageData(0, 0, canvas.width, canvas.height))
      if (text && read(text)) return letGo()
    }
    await new Promise(resolve => setTimeout(resolve, LOOK_EVERY))
  }
}

import qrcode from 'qrcode-generator'
import { useMemo } from 'react'

const QUIET = 4

/** A card's code as verifiers want it: the prefix in bytes, the digits as digits, which makes it small enough to be read from a phone. */
export function CardCode({ text, label }: { readonly text: string; readonly label: string }) {
  const { size, path } = useMemo(() => drawn(text), [text])
  return (
    <svg className="kw-qr" viewBox={`0 0 ${size} ${size}`} role="img" aria-label={label} shapeRendering="crispEdges">
      <path d={path} fill="#000" />
    </svg>
  )
}

function drawn(text: string): { readonly size: number; readonly path: string } {
  const [, prefix, digits] = /^(shc:\/(?:\d+\/\d+\/)?)(\d+)$/.exec(text) ?? []
  const code = qrcode(0, 'L')
  code.addData(prefix ?? text, 'Byte')
  if (digits) code.addData(digits, 'Numeric')
  code.make()
  const count = code.getModuleCount()
  let path = ''
  for (let y = 0; y < count; y++) for (let x = 0; x < count; x++) if (code.isDark(y, x)) path += `M${x + QUIET} ${y + QUIET}h1v1h-1z`
  return { size: count + 2 * QUIET, path }
}

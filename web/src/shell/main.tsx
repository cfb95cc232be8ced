import '@fontsource-variable/atkinson-hyperlegible-next/wght.css'
import '@fontsource-variable/fraunces/wght.css'
import './mantine.css'
import '#parts/tokens.css'
import '#parts/base.css'
import '#parts/parts.css'
import '#parts/narrative.css'
import '#parts/entry.css'
import '#parts/summary.css'
import '#parts/devices.css'
import '#parts/sharing.css'
import '#parts/results.css'
import { createRoot } from 'react-dom/client'
import { watchAddress } from '#client/arrived.ts'
import { startGuard } from '#client/guard.ts'
import { showWhatWasPressed } from '#client/push.ts'
import { App } from './app.tsx'
import { firstTexts } from './texts.ts'

watchAddress()
showWhatWasPressed()
void firstTexts().then(first => createRoot(document.getElementById('root')!).render(<App first={first} />))

// The page first; its guard is installed, or asked, once that has been drawn.
setTimeout(() => void startGuard().catch(() => {}), 1000)

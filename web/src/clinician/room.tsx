import '#parts/clinician.css'
import { AddPage } from './add.tsx'
import { AskForAccess } from './ask.tsx'
import { Desk } from './desk.tsx'
import { EmergencyAid } from './emergency.tsx'
import { Session } from './session.tsx'

type RoomProps = { readonly rest: readonly string[]; readonly query: URLSearchParams }

/** Every screen of the reader's side: `#/desk`, `#/desk/ask`, `#/desk/add/PERSON`, `#/desk/emergency`, `#/desk/of/SHARE/VIEW/RECORD`. */
export function ClinicianRoom({ rest, query }: RoomProps) {
  const [place, id = '', view = '', record = ''] = rest
  if (place === 'ask') return <AskForAccess key={query.toString()} to={query.get('to') ?? ''} level={query.get('level') ?? ''} />
  if (place === 'emergency') return <EmergencyAid />
  if (place === 'add' && id) return <AddPage key={id} did={id} />
  if (place === 'of' && id) return <Session key={id} share={id} view={view} record={record} type={query.get('type') ?? ''} />
  return <Desk />
}

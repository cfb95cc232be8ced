/** One line of 24-pixel drawings, stroke 1.75; decoration only, so hidden from screen readers. */
const PATHS = {
  home: 'M4 11.5 12 4l8 7.5M6 10v9h12v-9M10 19v-5h4v5',
  timeline: 'M7 4v16M7 6.5h0M7 12h0M7 17.5h0M11 6.5h8M11 12h6M11 17.5h8',
  add: 'M12 5v14M5 12h14',
  share:
    'M9 12a3 3 0 1 1-6 0 3 3 0 0 1 6 0ZM21 6a3 3 0 1 1-6 0 3 3 0 0 1 6 0ZM21 18a3 3 0 1 1-6 0 3 3 0 0 1 6 0ZM8.7 10.6l6.6-3.2M8.7 13.4l6.6 3.2',
  eye: 'M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12ZM15 12a3 3 0 1 1-6 0 3 3 0 0 1 6 0Z',
  settings: 'M4 7h9M17 7h3M4 17h3M11 17h9M17 7a2 2 0 1 1-4 0 2 2 0 0 1 4 0ZM11 17a2 2 0 1 1-4 0 2 2 0 0 1 4 0Z',
  lock: 'M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3M12 15v2',
  check: 'M5 12.5 10 17.5 19.5 7',
  shield: 'M12 3.5 19 6v6c0 4.5-3 7.3-7 8.5-4-1.2-7-4-7-8.5V6zM8.8 12.2l2.3 2.3 4.2-4.6',
  alert: 'M12 4 21 19.5H3zM12 10v4.5M12 17h0',
  info: 'M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0ZM12 11v5.5M12 7.5h0',
  clock: 'M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0ZM12 7v5l3.5 2',
  key: 'M10 14a4 4 0 1 1-8 0 4 4 0 0 1 8 0ZM9 11.5 19 4M15 7l3 3',
  person: 'M16 8a4 4 0 1 1-8 0 4 4 0 0 1 8 0ZM4.5 20c.8-3.6 3.8-5.5 7.5-5.5s6.700 1.900 7.500 5.500',
  back: 'M14.500 5.500 8 12l6.500 6.500',
  open: 'M6 9.500 12 15.500 18 9.500',
  printer: 'M7 9V3.500h10V9M7 17H4V9h16v8h-3M7 14h10v6.500H7z',
  desk: 'M9 4.500h6v3H9zM7 6H5.500v14h13V6H17M9 12h6M9 16h4',
  search: 'M17 10.500a6.500 6.500 0 1 1-13 0 6.500 6.500 0 0 1 13 0ZM15.300 15.300 20.500 20.500',
  heart: 'M12 19.500S4 14.800 4 9.300A4.300 4.300 0 0 1 12 7a4.300 4.300 0 0 1 8 2.300c0 5.500-8 10.200-8 10.200Z',
  pill: 'M10.200 20.200a4.500 4.500 0 0 1-6.400-6.400l10-10a4.500 4.500 0 0 1 6.400 6.400zM8.800 8.800l6.400 6.400',
  flask: 'M9.500 3.500h5M10.500 3.500v6L5 18.500a1.300 1.300 0 0 0 1.100 2h11.800a1.300 1.300 0 0 0 1.100-2l-5.500-9v-6M7.500 15h9',
  syringe: 'M14.500 3.500 20.500 9.500M17.500 6.500 9 15H6v-3l8.500-8.500M6 15l-3 3.500M12 8l3 3',
  scan: 'M4 8V5a1 1 0 0 1 1-1h3M16 4h3a1 1 0 0 1 1 1v3M20 16v3a1 1 0 0 1-1 1h-3M8 20H5a1 1 0 0 1-1-1v-3M4 12h16',
  paper: 'M6 3.500h8l4 4v13H6zM14 3.500v4h4M9 12h6M9 16h6',
  visit: 'M5 6h14v14H5zM5 10h14M9 3.500V8M15 3.500V8',
  wave: 'M3 12h4l2.500-7 5 14 2.500-7h4',
  folder: 'M3.500 6h6l2 2.500h9V19h-17z',
  star: 'M12 4l2.400 5 5.600.700-4.100 3.800 1.100 5.500L12 16.300 7 19l1.100-5.500L4 9.700 9.600 9z',
  bell: 'M6.500 16V11a5.500 5.500 0 0 1 11 0v5l1.500 2H5zM10.500 20.500h3',
  trash: 'M5 7h14M10 7V4.500h4V7M7 7l1 13h8l1-13',
  save: 'M12 4v11M7.500 11 12 15.500 16.500 11M5 20h14',
  device: 'M8 3.500h8v17H8zM11 17.500h2',
  down: 'M6 9.500 12 15.500 18 9.500',
  offline: 'M3 3l18 18M8.500 16a5 5 0 0 1 7 0M5.500 12.500a9.500 9.500 0 0 1 4-2.400M14.500 10a9.500 9.500 0 0 1 4 2.500M12 19.500h0',
} as const

export type IconName = keyof typeof PATHS

/** A path on 24 pixels, drawn as all our signs are. */
export const Drawing = ({ path, size }: { readonly path: string; readonly size: number }) => (
  <svg
    width={size}
    height={size}
    viewBox="0 0 24 24"
    fill="none"
    stroke="currentColor"
    strokeWidth={1.75}
    strokeLinecap="round"
    strokeLinejoin="round"
    aria-hidden="true"
  >
    <path d={path} />
  </svg>
)

export const Icon = ({ name, size = 24 }: { readonly name: IconName; readonly size?: number }) => <Drawing path={PATHS[name]} size={size} />

/** A sign on its own ground, as it stands at the beginning of a line. */
export const Sign = ({ name, tone }: { readonly name: IconName; readonly tone?: string | undefined }) => (
  <span className="kw-glyph" data-tone={tone}>
    <Icon name={name} size={21} />
  </span>
)

const BY_TYPE: Readonly<Record<string, IconName>> = {
  Condition: 'heart',
  MedicationRequest: 'pill',
  MedicationStatement: 'pill',
  MedicationDispense: 'pill',
  MedicationAdministration: 'pill',
  Medication: 'pill',
  AllergyIntolerance: 'alert',
  Immunization: 'syringe',
  Observation: 'flask',
  DiagnosticReport: 'flask',
  Specimen: 'flask',
  ImagingStudy: 'scan',
  Procedure: 'star',
  Encounter: 'visit',
  Appointment: 'visit',
  Patient: 'person',
  Practitioner: 'person',
  RelatedPerson: 'person',
  dicom: 'scan',
  wearable: 'wave',
}

const TONES: Readonly<Record<string, string>> = {
  heart: 'brand',
  pill: 'good',
  flask: 'accent',
  syringe: 'good',
  alert: 'bad',
  scan: 'brand',
  visit: 'brand',
}

/** The drawing for a kind of record, on its own ground. */
export const Glyph = ({ type }: { readonly type: string }) => {
  const name = BY_TYPE[type] ?? 'paper'
  return <Sign name={name} tone={TONES[name]} />
}

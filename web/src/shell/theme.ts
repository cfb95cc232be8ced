import { Button, createTheme, NativeSelect, NumberInput, PasswordInput, Textarea, TextInput } from '@mantine/core'

/** Shades are set by our style sheet; Mantine needs their names, and ten values, to know them. */
const BRAND = ['#f8f2fa', '#f0e4f4', '#dfc7e7', '#c9a3d6', '#b07bc1', '#985eab', '#7f4793', '#683778', '#52295f', '#3d1c48'] as const

/** What is typed here is of the record: browsers write the fields of forms into a file of their own, in the clear, unless told not to. */
const typed = { size: 'md', radius: 'md', autoComplete: 'off' } as const

export const theme = createTheme({
  primaryColor: 'brand',
  colors: { brand: BRAND },
  cursorType: 'pointer',
  respectReducedMotion: true,
  components: {
    Button: Button.extend({ defaultProps: { size: 'md', radius: 'md' } }),
    TextInput: TextInput.extend({ defaultProps: typed }),
    NumberInput: NumberInput.extend({ defaultProps: typed }),
    PasswordInput: PasswordInput.extend({ defaultProps: { size: 'md', radius: 'md' } }),
    NativeSelect: NativeSelect.extend({ defaultProps: { size: 'md', radius: 'md' } }),
    Textarea: Textarea.extend({ defaultProps: typed }),
  },
})

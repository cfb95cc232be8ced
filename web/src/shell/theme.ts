import { Button, createTheme, NativeSelect, PasswordInput, Textarea, TextInput } from '@mantine/core'

/** Shades are set by our style sheet; Mantine needs their names, and ten values, to know them. */
const BRAND = ['#f8f2fa', '#f0e4f4', '#dfc7e7', '#c9a3d6', '#b07bc1', '#985eab', '#7f4793', '#683778', '#52295f', '#3d1c48'] as const

export const theme = createTheme({
  primaryColor: 'brand',
  colors: { brand: BRAND },
  cursorType: 'pointer',
  respectReducedMotion: true,
  components: {
    Button: Button.extend({ defaultProps: { size: 'md', radius: 'md' } }),
    TextInput: TextInput.extend({ defaultProps: { size: 'md', radius: 'md' } }),
    PasswordInput: PasswordInput.extend({ defaultProps: { size: 'md', radius: 'md' } }),
    NativeSelect: NativeSelect.extend({ defaultProps: { size: 'md', radius: 'md' } }),
    Textarea: Textarea.extend({ defaultProps: { size: 'md', radius: 'md' } }),
  },
})

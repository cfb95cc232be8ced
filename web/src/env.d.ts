declare module '*.css'
declare module '@fontsource-variable/*'
declare module '*?url' {
  const url: string
  export default url
}

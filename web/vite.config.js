export default {
  // Where the server has what is below dist; index.html is also at / and /graphql.
  base: '/graphiql/',
  // As the page's own scripts; the default can't be split into chunks.
  worker: { format: 'es' },
  build: {
    // GraphiQL with Monaco is what it is.
    chunkSizeWarningLimit: 4096,
    // What is bundled asks for its licences to go with it.
    license: { fileName: 'assets/licenses.md' },
    rolldownOptions: {
      // Three dozen libraries say "use client", which means nothing here.
      checks: { moduleLevelDirective: false },
    },
  },
};

// Apollo Client with its upload link: one file, then several. Prints what it was answered.
//
//   node upload.mjs 127.0.0.1:8000 <picture>

import { readFile } from 'node:fs/promises';
import { ApolloClient, InMemoryCache, gql } from '@apollo/client';
import UploadHttpLink from 'apollo-upload-client/UploadHttpLink.mjs';
import { finish, plaza } from './plaza.mjs';

const [address, path] = process.argv.slice(2);
const { token } = await plaza(address).register('uploader');
const client = new ApolloClient({
  cache: new InMemoryCache(),
  link: new UploadHttpLink({
    uri: `http://${address}/graphql`,
    headers: { authorization: `Bearer ${token}`, 'apollo-require-preflight': 'true' },
  }),
});

const bytes = await readFile(path);
const picture = new File([bytes], '照片.png', { type: 'image/png' });
const words = new File(['words'], 'words.txt', { type: 'text/plain' });

const one = await client.mutate({
  mutation: gql`mutation ($file: Upload!) { uploadAvatar(file: $file) {
    user { avatar { fileName contentType width url } } userErrors { code } } }`,
  variables: { file: picture },
});
const several = await client.mutate({
  mutation: gql`mutation ($files: [Upload!]!) { uploadFiles(files: $files) {
    media { fileName contentType } userErrors { code field } } }`,
  variables: { files: [picture, words] },
});
// On this very server, whatever it takes its public address for.
const { pathname } = new URL(one.data.uploadAvatar.user.avatar.url);
const found = await fetch(`http://${address}${pathname}`);
finish({ one: one.data.uploadAvatar, several: several.data.uploadFiles, found: found.status });

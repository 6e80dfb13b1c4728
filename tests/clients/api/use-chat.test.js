// The hook itself, in React.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Window } from 'happy-dom';
import { url } from './server.js';

let act;
let React;
let createRoot;
let useChat;
let DefaultChatTransport;
const window = new Window({ url });

before(async () => {
  globalThis.window = window;
  globalThis.document = window.document;
  globalThis.navigator ??= window.navigator; // Node has one of its own from 21 on
  globalThis.IS_REACT_ACT_ENVIRONMENT = true;
  React = await import('react');
  ({ act } = React);
  ({ createRoot } = await import('react-dom/client'));
  ({ useChat } = await import('@ai-sdk/react'));
  ({ DefaultChatTransport } = await import('ai'));
});

after(() => window.close());

test('useChat shows the answer and its sources', async () => {
  let chat;
  function Page() {
    chat = useChat({ transport: new DefaultChatTransport({ api: `${url}/api/chat` }) });
    return React.createElement(
      'ul',
      null,
      chat.messages.flatMap((message) =>
        message.parts.map((part, i) =>
          React.createElement('li', { key: `${message.id}-${i}`, className: part.type }, part.text ?? part.filename ?? ''),
        ),
      ),
    );
  }

  const root = createRoot(document.body);
  await act(async () => root.render(React.createElement(Page)));
  await act(async () => chat.sendMessage({ text: 'How often must the boiler be descaled?' }));

  assert.equal(chat.error, undefined);
  assert.equal(chat.status, 'ready');
  const texts = [...document.querySelectorAll('li.text')].map((item) => item.textContent);
  assert.match(texts.join('\n'), /every three months/);
  assert.equal(document.querySelector('li.source-document').textContent, 'manual.md');
  await act(async () => root.unmount());
});

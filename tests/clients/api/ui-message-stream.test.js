// What useChat is made of: the default transport, which checks every event against its own schema, and the chat's state.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Chat } from '@ai-sdk/react';
import { DefaultChatTransport } from 'ai';
import { url } from './server.js';

function newChat(id = crypto.randomUUID(), messages = []) {
  const errors = [];
  const finished = [];
  const chat = new Chat({
    id,
    messages,
    transport: new DefaultChatTransport({ api: `${url}/api/chat` }),
    onError: (error) => errors.push(error),
    onFinish: (end) => finished.push(end),
  });
  return { chat, errors, finished };
}

const textOf = (message) =>
  message.parts
    .filter((part) => part.type === 'text')
    .map((part) => part.text)
    .join('');

async function says(chat, text) {
  const patience = AbortSignal.timeout(30_000);
  while (chat.lastMessage?.role !== 'assistant' || textOf(chat.lastMessage) !== text) {
    assert.equal(patience.aborted, false, `the chat does not say '${text}'`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

test('an answer has its search, its text and its sources', async () => {
  const { chat, errors, finished } = newChat();
  await chat.sendMessage({ text: 'How often must the boiler be descaled?' });

  assert.deepEqual(errors, []);
  assert.equal(chat.status, 'ready');
  const answer = chat.lastMessage;
  assert.equal(answer.role, 'assistant');
  assert.equal(answer.metadata.conversationId, chat.id);
  assert.equal(answer.metadata.status, 'completed');

  const tool = answer.parts.find((part) => part.type === 'dynamic-tool');
  assert.equal(tool.toolName, 'search_knowledge');
  assert.equal(tool.state, 'output-available');
  assert.equal(tool.output.kind, 'slipway.search');

  assert.match(textOf(answer), /every three months.*\[1\]/);
  assert.ok(answer.parts.every((part) => part.type !== 'text' || part.state === 'done'));

  const source = answer.parts.find((part) => part.type === 'source-document');
  assert.equal(source.filename, 'manual.md');
  assert.equal(source.mediaType, 'text/markdown');
  const cited = source.providerMetadata.slipway;
  assert.equal(cited.verified, true);
  const content = await (await fetch(`${url}/api/documents/${cited.documentId}/content`)).json();
  assert.equal(content.text.slice(cited.start, cited.end), cited.quote);

  assert.equal(finished.length, 1);
  assert.equal(finished[0].finishReason, 'stop');
  assert.equal(finished[0].isError, false);
});

test('reasoning is shown as reasoning', async () => {
  const { chat, errors } = newChat();
  await chat.sendMessage({ text: 'think' });
  assert.deepEqual(errors, []);
  const reasoning = chat.lastMessage.parts.find((part) => part.type === 'reasoning');
  assert.deepEqual([reasoning.text, reasoning.state], ['Let me see.', 'done']);
  assert.equal(textOf(chat.lastMessage), 'Seen.');
});

test('a conversation goes on, and an answer can be made again', async () => {
  const { chat, errors } = newChat();
  await chat.sendMessage({ text: 'count' });
  assert.equal(textOf(chat.lastMessage), '1 question');
  await chat.sendMessage({ text: 'count' });
  assert.equal(textOf(chat.lastMessage), '2 questions');
  await chat.regenerate();
  assert.equal(textOf(chat.lastMessage), '2 questions');
  assert.equal(chat.messages.length, 4);
  assert.deepEqual(errors, []);
});

test('an error in the middle keeps what was said', async () => {
  const { chat, errors } = newChat();
  await chat.sendMessage({ text: 'break' });
  assert.equal(chat.status, 'error');
  assert.match(errors[0].message, /The model is out/);
  assert.equal(textOf(chat.lastMessage), 'Well, ');
});

test('an error before the answer can be read', async () => {
  const { chat, errors } = newChat('..');
  await chat.sendMessage({ text: 'hello' });
  assert.match(errors[0].message, /conversation's id cannot be used/);
});

test('stop ends the answer and keeps its beginning', async () => {
  const { chat, errors } = newChat();
  const answering = chat.sendMessage({ text: 'hang' });
  await says(chat, 'Waiting');
  await chat.stop();
  await answering;
  assert.equal(chat.status, 'ready');
  assert.deepEqual(errors, []);
});

test('a page that is loaded again resumes the answer, and a stop ends it for both', async () => {
  const { chat: left } = newChat();
  const answering = left.sendMessage({ text: 'hang' });
  await says(left, 'Waiting');

  const { chat, errors, finished } = newChat(left.id, left.messages.slice(0, 1));
  const resuming = chat.resumeStream();
  await says(chat, 'Waiting');
  assert.equal(chat.status, 'streaming');
  assert.equal(chat.messages.length, 2);
  assert.equal((await fetch(`${url}/api/chat/${chat.id}/stop`, { method: 'POST' })).status, 204);
  await Promise.all([resuming, answering]);

  assert.deepEqual(errors, []);
  assert.equal(chat.status, 'ready');
  assert.equal(textOf(chat.lastMessage), 'Waiting');
  assert.equal(chat.lastMessage.metadata.status, 'cancelled');
  assert.equal(finished.length, 1);
  assert.equal(textOf(left.lastMessage), 'Waiting');
});

test('where nothing is being answered there is nothing to resume', async () => {
  const { chat, errors } = newChat();
  await chat.resumeStream();
  assert.deepEqual([chat.status, chat.messages.length, errors.length], ['ready', 0, 0]);
});

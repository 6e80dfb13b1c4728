// The OpenAI library for JavaScript against /v1, as against OpenAI.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI from 'openai';
import { url } from './server.js';

const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'unused', maxRetries: 0 });
const ask = (content) => ({ model: 'agent', messages: [{ role: 'user', content }] });

test('lists the agent as a model', async () => {
  const ids = [];
  for await (const model of client.models.list()) {
    ids.push(model.id);
  }
  assert.deepEqual(ids, ['agent']);
});

test('completes with citations', async () => {
  const completion = await client.chat.completions.create(ask('How often must the boiler be descaled?'));
  const { message, finish_reason } = completion.choices[0];
  assert.equal(finish_reason, 'stop');
  assert.match(message.content, /every three months/);
  const [annotation] = message.annotations;
  assert.equal(annotation.type, 'url_citation');
  assert.equal(message.content.slice(annotation.url_citation.start_index, annotation.url_citation.end_index), '[1]');
  assert.equal((await fetch(annotation.url_citation.url)).status, 200);
});

test('streams, with usage at the end', async () => {
  const stream = await client.chat.completions.create({
    ...ask('usage'),
    stream: true,
    stream_options: { include_usage: true },
  });
  let text = '';
  let usage;
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta.content ?? '';
    usage = chunk.usage ?? usage;
  }
  assert.equal(text, 'Counted.');
  assert.deepEqual(usage, { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 });
});

test('its stream helper puts the message together', async () => {
  const completion = await client.chat.completions.stream(ask('usage')).finalChatCompletion();
  assert.equal(completion.choices[0].message.content, 'Counted.');
});

test('its tool runner runs the caller\'s tools', async () => {
  const cities = [];
  const runner = client.chat.completions.runTools({
    ...ask('weather'),
    stream: true,
    tools: [
      {
        type: 'function',
        function: {
          name: 'get_weather',
          description: 'The weather of a city',
          parse: JSON.parse,
          parameters: { type: 'object', properties: { city: { type: 'string' } } },
          function: ({ city }) => {
            cities.push(city);
            return 'rain';
          },
        },
      },
    ],
  });
  assert.equal(await runner.finalContent(), 'The weather: rain');
  assert.deepEqual(cities, ['Oslo']);
});

test('errors are its typed errors', async () => {
  await assert.rejects(client.chat.completions.create({ ...ask('x'), model: 'gpt-9' }), OpenAI.NotFoundError);
  await assert.rejects(client.chat.completions.create({ model: 'agent', messages: [] }), OpenAI.BadRequestError);
  await assert.rejects(client.chat.completions.create(ask('refuse')), OpenAI.InternalServerError);
  await assert.rejects(async () => {
    const stream = await client.chat.completions.create({ ...ask('break'), stream: true });
    for await (const _ of stream) {
      // read to the error
    }
  }, /The model is out/);
});

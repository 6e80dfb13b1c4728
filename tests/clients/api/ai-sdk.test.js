// The AI SDK as a client of the OpenAI-compatible endpoint.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { generateText, jsonSchema, stepCountIs, streamText, tool } from 'ai';
import { url } from './server.js';

const model = createOpenAICompatible({ name: 'slipway', baseURL: `${url}/v1`, includeUsage: true })('agent');

test('generates text', async () => {
  const result = await generateText({ model, prompt: 'usage', maxRetries: 0 });
  assert.equal(result.text, 'Counted.');
  assert.equal(result.usage.totalTokens, 7);
});

test('streams text, reasoning and usage', async () => {
  const result = streamText({ model, prompt: 'think', maxRetries: 0 });
  const types = new Set();
  for await (const part of result.fullStream) {
    assert.notEqual(part.type, 'error', String(part.error));
    types.add(part.type);
  }
  assert.equal(await result.text, 'Seen.');
  assert.equal(await result.reasoningText, 'Let me see.');
  assert.ok(types.has('reasoning-delta') && types.has('text-delta') && types.has('finish'));
});

test('runs its own tools', async () => {
  const result = await generateText({
    model,
    prompt: 'weather',
    maxRetries: 0,
    stopWhen: stepCountIs(3),
    tools: {
      get_weather: tool({
        description: 'The weather of a city',
        inputSchema: jsonSchema({ type: 'object', properties: { city: { type: 'string' } } }),
        execute: async ({ city }) => (city === 'Oslo' ? 'rain' : 'sun'),
      }),
    },
  });
  assert.equal(result.text, 'The weather: rain');
  assert.equal(result.steps.length, 2);
});

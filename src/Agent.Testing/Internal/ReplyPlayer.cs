namespace Slipway.Agents.Testing.Internal;

/// <summary>Plays a reply: its steps in order, each when it is due.</summary>
internal sealed class ReplyPlayer(
    HttpConnection connection,
    HttpAnswer answer,
    ScriptedRequest request,
    ScriptedReply reply,
    TimeProvider time
) : IDisposable
{
    // Tokens are due by the clock of the request's arrival: a test that knows of the request may advance its clock at
    // once.
    private readonly TokenClock _clock = new(time, request.Received, reply.FirstTokenDelay, reply.TokenDelay);
    private int _calls;

    public async Task<ScriptedOutcome> PlayAsync(CancellationToken cancellationToken)
    {
        var created = time.GetUtcNow().ToUnixTimeSeconds();
        ICompletionForm form = request.IsStreaming
            ? new CompletionStream(answer, request, reply, created)
            : new CompletionBody(answer, request, reply, created);
        if (reply.SendsHeadersAtOnce && !reply.IsWhole)
        {
            form.Begin();
            await answer.FlushAsync(cancellationToken);
        }

        foreach (var step in reply.Steps)
        {
            if (step is ScriptedStep.Cut cut)
            {
                if (cut.WithReset)
                {
                    connection.Reset();
                }

                return ScriptedOutcome.Cut;
            }

            if (!await PlayAsync(step, form, cancellationToken))
            {
                return ScriptedOutcome.Completed;
            }
        }

        form.Finish();
        await answer.FlushAsync(cancellationToken);
        return ScriptedOutcome.Completed;
    }

    public void Dispose() => _clock.Dispose();

    /// <returns>Whether the answer goes on after the step.</returns>
    private async Task<bool> PlayAsync(ScriptedStep step, ICompletionForm form, CancellationToken cancellationToken)
    {
        switch (step)
        {
            case ScriptedStep.Stall stall:
                request.Stall();
                // However the gate's task ends: it is open.
                await stall.Gate.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                cancellationToken.ThrowIfCancellationRequested();
                _clock.Restart();
                return true;

            case ScriptedStep.Call call:
                for (var fragment = 0; fragment < Math.Max(1, call.Fragments.Count); fragment++)
                {
                    await _clock.WaitAsync(cancellationToken);
                    form.Fragment(_calls, call, fragment);
                    await answer.FlushAsync(cancellationToken);
                }

                _calls++;
                return true;
        }

        await _clock.WaitAsync(cancellationToken);
        var goesOn = Write(step, form);
        await answer.FlushAsync(cancellationToken);
        return goesOn;
    }

    private bool Write(ScriptedStep step, ICompletionForm form)
    {
        switch (step)
        {
            case ScriptedStep.Delta delta:
                form.Delta(delta);
                return true;
            case ScriptedStep.Verbatim verbatim:
                form.Verbatim(verbatim.Text);
                return true;
            case ScriptedStep.Error error:
                form.Error(error);
                return false;
            case ScriptedStep.BreakOff:
                form.BreakOff();
                return false;
            case ScriptedStep.Whole whole:
                Write(whole);
                return false;
            default:
                throw new InvalidOperationException($"There is no such step: {step.GetType().Name}.");
        }
    }

    private void Write(ScriptedStep.Whole whole)
    {
        byte[] body;
        try
        {
            body = whole.Body(request, reply);
        }
        catch (Exception exception) // of the test's own function
        {
            Write((ScriptedStep.Whole)ScriptedReply.Failed(exception).Steps[0]);
            return;
        }

        answer.WriteWhole(whole.Status, whole.ContentType, whole.Headers, body);
    }
}

using System.Globalization;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Slipway.Agents;
using Slipway.Agents.Conversations;
using Slipway.Agents.Limits;

namespace Slipway.Hosting.Settings;

internal sealed class AgentBinder(IConfiguration configuration, IServiceProviderIsService services)
    : OptionsBinder<AgentOptions>(configuration, "Agent")
{
    protected override void Read(SettingsSection settings, AgentOptions options)
    {
        options.Name = settings.Text("Name", options.Name);
        options.Description = settings.Text("Description", options.Description);
        options.Instructions = settings.Text("Instructions", options.Instructions);
        options.MaxModelCalls = settings.Number("MaxModelCalls", options.MaxModelCalls);
        options.MaxRepeatedCalls = settings.Number("MaxRepeatedCalls", options.MaxRepeatedCalls);
        options.HistoryMessages = settings.Number("HistoryMessages", options.HistoryMessages);
        options.HistoryTokens = settings.Number("HistoryTokens", options.HistoryTokens);
        options.ContinueWithoutClient = settings.Flag("ContinueWithoutClient", options.ContinueWithoutClient);
        options.ResumeTurns = settings.Flag("ResumeTurns", options.ResumeTurns);
        options.WaitForTurn = settings.Duration("WaitForTurn", options.WaitForTurn);
        options.TurnLease = settings.Duration("TurnLease", options.TurnLease);
        options.DrainTime = settings.Duration("DrainTime", options.DrainTime);
        options.EventRetention = settings.Duration("EventRetention", options.EventRetention);
        options.Prices = ReadPrices(settings) is { Count: > 0 } prices ? prices : options.Prices;
        options.GenerateTitles = settings.Flag("GenerateTitles", options.GenerateTitles);
        settings.Section("Model"); // read by its own binder
    }

    protected override IEnumerable<string> Check(AgentOptions options)
    {
        if (string.IsNullOrWhiteSpace(options.Name))
        {
            yield return $"{Name("Name")} is empty; name the agent, such as 'agent'.";
        }

        (string Key, int Value)[] counts =
        [
            ("MaxModelCalls", options.MaxModelCalls),
            ("MaxRepeatedCalls", options.MaxRepeatedCalls),
            ("HistoryMessages", options.HistoryMessages),
            ("HistoryTokens", options.HistoryTokens),
        ];
        foreach (var (key, value) in counts.Where(count => count.Value < 1))
        {
            yield return $"{Name(key)} is {value}; set 1 or more.";
        }

        if (options.TurnLease < TimeSpan.FromSeconds(1))
        {
            yield return $"{Name("TurnLease")} is {options.TurnLease}; set 00:00:01 or more.";
        }

        (string Key, TimeSpan Value)[] times =
        [
            ("WaitForTurn", options.WaitForTurn),
            ("DrainTime", options.DrainTime),
            ("EventRetention", options.EventRetention),
        ];
        foreach (var (key, value) in times.Where(time => time.Value < TimeSpan.Zero))
        {
            yield return $"{Name(key)} is {value}; set 00:00:00 or more.";
        }

        for (var i = 0; i < options.Prices.Count; i++)
        {
            var price = options.Prices[i];
            if (string.IsNullOrWhiteSpace(price.Model))
            {
                yield return $"{Name(Price(i, "Model"))} is empty; name the model, with * at the end for every name that begins so.";
            }

            (string Key, decimal? Value)[] amounts =
            [
                ("Input", price.Input),
                ("Output", price.Output),
                ("CachedInput", price.CachedInput),
            ];
            foreach (var (key, value) in amounts.Where(amount => amount.Value < 0))
            {
                yield return $"{Name(Price(i, key))} is {value}; set the price of a million tokens, 0 or more.";
            }
        }

        if (!services.IsService(typeof(IConversationStore)))
        {
            yield return "There is no database for conversations; call UseSqlite(…), or another store's Use… method, on AddSlipway().";
        }
    }

    // A model's name is a value, not a key: names have colons.
    private static List<ModelPrice> ReadPrices(SettingsSection settings)
    {
        List<ModelPrice> prices = [];
        foreach (var price in settings.Sections("Prices"))
        {
            prices.Add(
                new(
                    price.Text("Model", ""),
                    price.Amount("Input", 0) ?? 0,
                    price.Amount("Output", 0) ?? 0,
                    price.Amount("CachedInput", null)
                )
            );
            price.RejectUnknown();
        }

        return prices;
    }

    private static string Price(int number, string key) =>
        string.Create(CultureInfo.InvariantCulture, $"Prices:{number}:{key}");
}

-- wrk -s post.lua URL -- REQUESTS MODE
-- REQUESTS: a file of lines, each a header, a tab, and a JSON body. MODE check looks at every answer (slower, for the
-- warm-up); MODE run leaves it at wrk's own counters. The last line of the output is RESULT and JSON.
local threads = {}
function setup(thread) table.insert(threads, thread) end

local pool, turn = {}, 0
bad, bad_answer = 0, ''

function init(args)
  for line in io.lines(args[1]) do
    local name, value, body = line:match('^([^:]+): ([^\t]*)\t(.*)$')
    local headers = { ['content-type'] = 'application/json', accept = 'application/json', host = wrk.host .. ':' .. wrk.port }
    headers[name] = value
    pool[#pool + 1] = wrk.format('POST', wrk.path, headers, body)
  end
  if args[2] == 'check' then
    response = function(status, _, body)
      local has_data = body:find('"data"', 1, true) and not body:find('"data":null', 1, true)
      -- A payload's user errors are asked for by name, and are to be empty.
      local refused = body:find('"userErrors":[{', 1, true)
      if status ~= 200 or body:find('"errors"', 1, true) or not has_data or refused then
        bad, bad_answer = bad + 1, status .. ' ' .. body:sub(1, 300)
      end
    end
  end
end

function request()
  turn = turn % #pool + 1
  return pool[turn]
end

local function quote(text) return '"' .. text:gsub('[\\"]', '\\%0'):gsub('%c', ' ') .. '"' end

function done(summary, latency)
  local count, answer = 0, ''
  for _, thread in ipairs(threads) do
    count = count + thread:get('bad')
    if thread:get('bad_answer') ~= '' then answer = thread:get('bad_answer') end
  end
  local errors = summary.errors
  local ms = function(share) return latency:percentile(share) / 1000 end
  io.write(string.format(
    'RESULT {"requests":%d,"us":%d,"bytes":%d,"p50":%.3f,"p99":%.3f,"status":%d,"socket":%d,"timeout":%d,'
      .. '"bad":%d,"bad_answer":%s}\n',
    summary.requests, summary.duration, summary.bytes, ms(50), ms(99),
    errors.status, errors.connect + errors.read + errors.write, errors.timeout, count, quote(answer)))
end
